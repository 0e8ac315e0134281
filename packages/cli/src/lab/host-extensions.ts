import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { present } from '@preflow/contract'
import type { DecisionRecord, Extension } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import {
  type HostedExtension,
  type HostedService,
  hostedExtensions,
  type OutsideService,
  type Surroundings,
} from './extensions.ts'
import { atPort, type PortSetting } from './ports.ts'

/** The extensions, while they answer. Until they are opened only their addresses stand. */
export interface HostedExtensions {
  /** The address they share, without a slash at the end. */
  url: string
  extensions: readonly RunningExtension[]
  services: readonly AskedService[]
  /**
   * Opens every extension. Rejects with a sentence when one cannot be opened.
   *
   * @param platformUrl Where the server answers, without a slash at the end.
   */
  open(platformUrl: string): Promise<void>
  /** Lets calls in flight finish and closes everything. */
  close(): Promise<void>
}

/** An extension with its address. */
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
 * Opens the address of the extensions and the stand-ins of what they ask. The extensions themselves answer from
 * {@link HostedExtensions.open} on, each at its own path.
 *
 * @returns When the addresses stand. Rejects with a sentence when one cannot be had, with nothing left running.
 */
export async function hostExtensions({
  write,
  ...given
}: Omit<Surroundings, 'asked' | 'log' | 'platformUrl' | 'say' | 'url'> & {
  /** Receives a line per decision. */
  write(line: string): void
}): Promise<HostedExtensions> {
  const { environment } = given
  const services: AskedService[] = []
  const asked: Record<string, string> = {}
  const opened: HostedService[] = []
  const closing: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  const extensions: Record<string, Extension> = {}
  const listeners: Record<string, RequestListener> = {}
  let isOpen = false

  const isReady = async () => {
    const answers = await Promise.all(opened.map(service => service.isReady?.() ?? true))
    return isOpen && answers.every(answer => answer)
  }
  try {
    for (const { name: extension, asks } of hostedExtensions) {
      if (!asks) continue
      const { label, name, howToAsk, isAsked, standInPort, startStandIn } = asks
      const standIn = isAsked(environment) ? undefined : await atPort(environment, standInPort, startStandIn)
      if (standIn) closing.push(() => standIn.close())
      const url = standIn?.url ?? asks.url
      asked[extension] = url
      services.push({ label, name, howToAsk, url, isStandIn: standIn !== undefined })
    }
    closing.push(async () => {
      for (const service of opened.splice(0).reverse()) await service.close?.()
    })
    const server = await atPort(environment, extensionsPort, ({ port }) =>
      serve(extensions, { port, listeners, isReady, log: false }),
    )
    closing.push(() => server.close())
    const running = hostedExtensions.map(extension => ({ ...extension, url: `${server.url}/${extension.name}` }))
    return {
      url: server.url,
      extensions: running,
      services,
      async open(platformUrl) {
        for (const { name, open, url } of running) {
          const service = await open({
            ...given,
            url,
            platformUrl,
            ...present({ asked: asked[name] }),
            log: record => write(decisionLine(name, record)),
            say: write,
          })
          opened.push(service)
          if ('extension' in service) extensions[`/${name}`] = service.extension
          else listeners[`/${name}`] = getRequestListener(request => service.fetch(request))
        }
        isOpen = true
      },
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
