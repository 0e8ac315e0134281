import type { DecisionRecord } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import type { OpenService } from '@preflow/extension/service'
import { type HostedExtension, hostedExtensions, type OutsideService, type Surroundings } from './extensions.ts'
import { atPort, type PortSetting } from './ports.ts'

/** The extensions, while they answer. */
export interface HostedExtensions {
  /** The address they share, without a slash at the end. */
  url: string
  extensions: readonly RunningExtension[]
  services: readonly AskedService[]
  /** Lets calls in flight finish and closes everything. */
  close(): Promise<void>
}

/** An extension that answers. */
export interface RunningExtension extends HostedExtension {
  /** Its own address. */
  url: string
}

/** A service that an extension asks, or what stands in for it. */
export interface AskedService extends Pick<OutsideService, 'label' | 'name' | 'howToAsk'> {
  url: string
  isStandIn: boolean
}

/** Where they answer. */
export const extensionsPort: PortSetting = { variable: 'PREFLOW_EXTENSIONS_PORT', fallback: 9401 }

/**
 * Opens every extension of the table and the stand-ins they need, and serves each at its own path of one address.
 *
 * @returns When they answer. Rejects with a sentence when one cannot be opened, with nothing left running.
 */
export async function hostExtensions({
  write,
  ...given
}: Pick<Surroundings, 'extensionKey' | 'environment' | 'now'> & {
  /** Receives a line per decision. */
  write(line: string): void
}): Promise<HostedExtensions> {
  const { environment } = given
  const closing: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  const services: AskedService[] = []
  const opened: Record<string, OpenService> = {}
  try {
    for (const { name, asks, open } of hostedExtensions) {
      let asked: string | undefined
      if (asks) {
        const { label, name, howToAsk, isAsked, standInPort, startStandIn } = asks
        const standIn = isAsked(environment) ? undefined : await atPort(environment, standInPort, startStandIn)
        if (standIn) closing.push(() => standIn.close())
        asked = standIn?.url ?? asks.url
        services.push({ label, name, howToAsk, url: asked, isStandIn: standIn !== undefined })
      }
      const service = await open({
        ...given,
        ...(asked !== undefined && { asked }),
        log: record => write(decisionLine(name, record)),
      })
      closing.push(() => service.close?.())
      opened[name] = service
    }
    const server = await atPort(environment, extensionsPort, ({ port }) =>
      serve(Object.fromEntries(Object.entries(opened).map(([name, { extension }]) => [`/${name}`, extension])), {
        port,
        isReady: async () => {
          const answers = await Promise.all(Object.values(opened).map(service => service.isReady?.() ?? true))
          return answers.every(isReady => isReady)
        },
      }),
    )
    closing.push(() => server.close())
    const { url } = server
    return {
      url,
      extensions: hostedExtensions.map(extension => ({ ...extension, url: `${url}/${extension.name}` })),
      services,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function decisionLine(name: string, { decision, reason, why, requestId, durationMs }: DecisionRecord): string {
  const words = [`${name} ${decision}`, reason, why && `(${why})`, `in ${durationMs.toFixed(1)} ms`]
  return `${words.filter(word => word !== undefined).join(' ')}${requestId === undefined ? '' : `, call ${requestId}`}`
}
