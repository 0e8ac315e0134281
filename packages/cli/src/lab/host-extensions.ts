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

/** The running extensions. Before they are opened, only their addresses exist. */
export interface HostedExtensions {
  /** Their common address, without a trailing slash. */
  url: string
  extensions: readonly RunningExtension[]
  services: readonly UsedService[]
  /**
   * Opens every extension. Rejects with a message if one cannot be opened.
   *
   * @param platformUrl The address of the server, without a trailing slash.
   */
  open(platformUrl: string): Promise<void>
  /** Finishes open calls and closes everything. */
  close(): Promise<void>
}

/** An extension with its address. */
export interface RunningExtension extends HostedExtension {
  /** Its own address. */
  url: string
}

/** A service that an extension calls, or its stand-in. */
export interface UsedService extends Pick<OutsideService, 'label' | 'name' | 'howToUse'> {
  url: string
  isStandIn: boolean
}

/** The port of the extensions. */
export const extensionsPort: PortSetting = { variable: 'PREFLOW_EXTENSIONS_PORT', fallback: 9401 }

/**
 * Opens the address of the extensions and the stand-ins of the services they call. Each extension serves its own path
 * after {@link HostedExtensions.open}.
 *
 * @returns When the addresses are open. Rejects with a message if one cannot be opened, and then closes the others.
 */
export async function hostExtensions({
  write,
  ...given
}: Omit<Surroundings, 'serviceUrl' | 'log' | 'platformUrl' | 'say' | 'url'> & {
  /** Receives a line per decision. */
  write(line: string): void
}): Promise<HostedExtensions> {
  const { environment } = given
  const services: UsedService[] = []
  const serviceUrl: Record<string, string> = {}
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
    for (const { name: extension, calls } of hostedExtensions) {
      if (!calls) continue
      const { label, name, howToUse, isReal, standInPort, startStandIn } = calls
      const standIn = isReal(environment) ? undefined : await atPort(environment, standInPort, startStandIn)
      if (standIn) closing.push(() => standIn.close())
      const url = standIn?.url ?? calls.url
      serviceUrl[extension] = url
      services.push({ label, name, howToUse, url, isStandIn: standIn !== undefined })
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
            ...present({ serviceUrl: serviceUrl[name] }),
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
