import { randomBytes, randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DecisionRecord } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import {
  type Configuration,
  createLog,
  createServer,
  type Ports,
  readConfiguration,
  unknownVariables,
} from '@preflow/server'
import { openTokenGuard, readConfiguration as readGuardConfiguration } from '@preflow/token-guard'
import { startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'
import { createDemo } from './demo.ts'
import { followTokenGuard } from './follow-token-guard.ts'
import type { Running } from './instructions.ts'
import { type LabState, readState, writeState } from './state.ts'

/** A lab that answers. */
export interface Lab extends Running {
  /** Ends every server; what is in progress may finish. */
  close(): Promise<void>
}

/** What the lab reads from the environment beside the server's own `PREFLOW_*` variables. */
const labVariables = { extensionsPort: 'PREFLOW_EXTENSIONS_PORT', reputationPort: 'PREFLOW_REPUTATION_PORT' } as const

/**
 * Starts the identity server, the extensions and the stand-in of the reputation service in this process, and makes the
 * demonstration tenant on the first start. A later start finds everything as it was left.
 *
 * @param environment `PREFLOW_*` as the server reads them, `PREFLOW_EXTENSIONS_PORT` (9401), `PREFLOW_REPUTATION_PORT`
 *   (9402), and `ABUSEIPDB_API_KEY` to ask the real service.
 * @param write Receives the log, one line at a time.
 * @param clock Milliseconds since the epoch for token-guard's working hours; the real one by default.
 * @returns When everything answers. Rejects with a sentence when something cannot be started, with nothing left running.
 */
export async function startLab(
  environment: Record<string, string | undefined>,
  write: (line: string) => void,
  clock: () => number = Date.now,
): Promise<Lab> {
  const closing: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const configuration = labConfiguration(environment)
    for (const sentence of unknownVariables(environment, Object.values(labVariables))) write(sentence)
    const state: LabState = (await readState(configuration.dataFolder)) ?? {
      extensionKey: randomBytes(24).toString('base64url'),
    }
    if (!state.demo) state.adminPassword ??= configuration.adminPassword ?? randomBytes(12).toString('base64url')
    await writeState(configuration.dataFolder, state)

    const { ABUSEIPDB_API_KEY: apiKey } = environment
    const standIn = apiKey
      ? undefined
      : await atPort(environment, labVariables.reputationPort, 9402, port => startReputationStandIn({ port }))
    if (standIn) closing.push(() => standIn.close())

    const guard = await openTokenGuard(guardConfiguration(state.extensionKey, apiKey, standIn?.url), {
      log: record => write(decisionLine(record)),
      now: clock,
    })
    closing.push(() => guard.close())
    const extensions = await atPort(environment, labVariables.extensionsPort, 9401, port =>
      serve({ '/token-guard': guard.extension }, { port }),
    )
    closing.push(() => extensions.close())

    const endpoint = `${extensions.url}/token-guard`

    const ports: Ports = {
      now: Date.now,
      newId: randomUUID,
      randomBytes,
      log: createLog(configuration.logLevel, { write: line => write(line.trimEnd()) }),
    }
    if (state.demo && state.endpoint !== endpoint) {
      const move = {
        tenant: state.demo.tenant,
        ...(state.endpoint !== undefined && { from: state.endpoint }),
        to: endpoint,
      }
      for (const line of await followTokenGuard(move, configuration, ports)) write(line)
      state.endpoint = endpoint
      // At once: should the server not start, the next start must know where the action points.
      await writeState(configuration.dataFolder, state)
    }

    const server = await createServer(
      { ...configuration, ...(state.adminPassword !== undefined && { adminPassword: state.adminPassword }) },
      ports,
    )
    closing.push(() => server.close())
    await server.listen()
    const url = server.address

    const { adminPassword, extensionKey } = state
    const demo =
      state.demo ?? (await createDemo({ server: url, adminPassword: adminPassword as string, endpoint, extensionKey }))
    await writeState(configuration.dataFolder, { extensionKey, demo, endpoint })
    return {
      server: url,
      extensions: extensions.url,
      reputation: { url: standIn?.url ?? 'https://api.abuseipdb.com', isStandIn: standIn !== undefined },
      dataFolder: configuration.dataFolder,
      demo,
      ...(adminPassword !== undefined && { adminPassword }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** In the lab everything is on this machine, so loopback is a trusted proxy and an allowed place for extensions. */
function labConfiguration(environment: Record<string, string | undefined>): Configuration {
  return readConfiguration({
    PREFLOW_TRUSTED_PROXIES: '127.0.0.0/8,::1',
    PREFLOW_PRIVATE_ENDPOINTS: '127.0.0.0/8,::1/128',
    PREFLOW_LOG_LEVEL: 'warn',
    ...environment,
  })
}

function guardConfiguration(extensionKey: string, apiKey: string | undefined, standInUrl: string | undefined) {
  const read = readGuardConfiguration({
    environment: {},
    file: {
      caller: 'api-key',
      callerSecrets: [extensionKey],
      countryDatabase: countryDatabase(),
      blockedCountries: ['KP', 'IR', 'RU', 'SY', 'CN'],
      abuseipdbApiKey: apiKey ?? 'stand-in',
      ...(standInUrl !== undefined && { abuseipdbUrl: standInUrl }),
    },
  })
  if (!read.ok) throw new Error(read.problems.join('\n'))
  return read.configuration
}

/** A permissively licensed data set, fit for a demonstration; operators name their own, current file. */
function countryDatabase(): string {
  const manifest = import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/package.json')
  return join(dirname(fileURLToPath(manifest)), 'geo-whois-asn-country.mmdb')
}

/** Starts something at the port of a variable, which is named when that fails: it is what the reader can change. */
async function atPort<Started>(
  environment: Record<string, string | undefined>,
  variable: string,
  fallback: number,
  start: (port: number) => Promise<Started>,
): Promise<Started> {
  const port = portOf(environment, variable, fallback)
  try {
    return await start(port)
  } catch (cause) {
    throw new Error(`${(cause as Error).message} ${variable} sets it (0 takes a free one).`, { cause })
  }
}

function portOf(environment: Record<string, string | undefined>, variable: string, fallback: number): number {
  const text = environment[variable]
  if (text === undefined || text === '') return fallback
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`${variable}: must be a port from 0 to 65535.`)
  }
  return port
}

function decisionLine({ decision, reason, why, requestId, durationMs }: DecisionRecord): string {
  const words = [`token-guard ${decision}`, reason, why && `(${why})`, `in ${durationMs.toFixed(1)} ms`]
  return `${words.filter(word => word !== undefined).join(' ')}${requestId === undefined ? '' : `, call ${requestId}`}`
}
