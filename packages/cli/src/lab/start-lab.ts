import { randomBytes, randomUUID } from 'node:crypto'
import { present } from '@preflow/contract'
import {
  type Configuration,
  createLog,
  createServer,
  type Ports,
  readConfiguration,
  unknownVariables,
} from '@preflow/server'
import { ApiError, addMissing, createDemo, type DemoSetting, WEB_APPLICATION } from './demo.ts'
import { extensionVariables } from './extensions.ts'
import { followExtensions, followWebApplication, type Move } from './follow-extensions.ts'
import { extensionsPort, type HostedExtensions, hostExtensions } from './host-extensions.ts'
import type { Running } from './instructions.ts'
import { lockDataFolder } from './lock.ts'
import { atPort, type PortSetting } from './ports.ts'
import { type Demo, type LabState, newState, readState, writeState } from './state.ts'
import { startWebApplication, type WebApplication } from './web-application.ts'

const webPort: PortSetting = { variable: 'PREFLOW_WEB_PORT', fallback: 9499 }

/** A running lab. */
export interface Lab extends Running {
  /** Stops every server after it has finished its open requests. */
  close(): Promise<void>
}

/** The surroundings of the lab that tests replace. */
export interface LabPorts {
  /** Milliseconds since the epoch, for the working hours of token-guard. Default: the real time. */
  now?: () => number
  /** The cost of hashing a password in the server. Default: full strength. */
  passwordCost?: NonNullable<Ports['passwordCost']>
  /** The cost of hashing a PIN, as log2 of N of scrypt. Default: that of pin-authenticator. */
  pinCostLog2?: number
  /** Receives each step of the start. */
  progress?(step: string): void
}

/** What runs before the server starts. */
interface Surrounding {
  configuration: Configuration
  state: LabState
  hosted: HostedExtensions
  web: WebApplication
  ports: Ports
  write(line: string): void
}

/**
 * Starts the identity server, the extensions, the stand-ins of the services they call and a web application in this
 * process. Creates the demonstration tenant on the first start; a later start finds everything unchanged.
 *
 * @param environment `PREFLOW_*` as the server reads them, `PREFLOW_EXTENSIONS_PORT` (9401), `PREFLOW_WEB_PORT` (9499),
 *   and those of the extensions: `PREFLOW_REPUTATION_PORT` (9402), `ABUSEIPDB_API_KEY` and `PREFLOW_PWNED_PASSWORDS=on`
 *   to call the real services.
 * @param write Receives the log, one line at a time.
 * @returns When everything is running. Rejects with a message if something cannot be started, and then stops the rest.
 */
export async function startLab(
  environment: Record<string, string | undefined>,
  write: (line: string) => void,
  { now = Date.now, passwordCost, pinCostLog2, progress = () => {} }: LabPorts = {},
): Promise<Lab> {
  const closing: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const configuration = labConfiguration(environment)
    const { dataFolder } = configuration
    const variables = [extensionsPort.variable, webPort.variable, ...extensionVariables]
    for (const sentence of unknownVariables(environment, variables)) write(sentence)
    closing.push(await lockDataFolder(dataFolder))
    const state = await readOrMakeState(configuration)
    const { adminPassword, extensionKey, pinSecrets } = state

    progress('Opening the extensions …')
    const hosted = await hostExtensions({
      dataFolder,
      environment,
      extensionKey,
      now,
      pinSecrets,
      write,
      ...present({ pinCostLog2 }),
    })
    closing.push(() => hosted.close())
    const web = await atPort(environment, webPort, startWebApplication)
    closing.push(() => web.close())
    const log = createLog(configuration.logLevel, { write: line => write(line.trimEnd()) })
    const ports: Ports = { now: Date.now, newId: randomUUID, randomBytes, log, ...present({ passwordCost }) }
    const surrounding: Surrounding = { configuration, state, hosted, web, ports, write }
    await followMoves(surrounding)

    progress('Starting the identity server …')
    const server = await createServer({ homeUrl: web.url, ...configuration, ...present({ adminPassword }) }, ports)
    closing.push(() => server.close())
    await server.listen()
    await hosted.open(server.address)

    if (!state.demo) progress('Creating the demonstration tenant (only on the first start) …')
    const { demo, withoutAction } = await makeOrCompleteDemo(server.address, surrounding)
    web.connect({ tenantUrl: `${server.address}/t/${demo.tenant}`, name: WEB_APPLICATION, ...demo.web })
    return {
      server: server.address,
      extensionsUrl: hosted.url,
      webUrl: web.url,
      extensions: hosted.extensions,
      services: hosted.services,
      withoutAction,
      dataFolder,
      environment,
      demo,
      ...present({ adminPassword }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The state of an earlier start, or a new one. */
async function readOrMakeState({ adminPassword, dataFolder }: Configuration): Promise<LabState> {
  const state = (await readState(dataFolder)) ?? newState()
  if (!state.demo) state.adminPassword ??= adminPassword ?? randomBytes(12).toString('base64url')
  await writeState(dataFolder, state)
  return state
}

/** Updates the actions and the web application of a demonstration to the addresses of this start. */
async function followMoves({ configuration, hosted, ports, state, web, write }: Surrounding): Promise<void> {
  if (!state.demo) return
  const { tenant, web: known } = state.demo
  const moves = hosted.extensions.flatMap(({ name, type, action, authenticator, url: to }): Move[] => {
    const from = state.endpoints[name]
    if (from === undefined || from === to) return []
    // A type has one action, with any name. There may be other authenticators.
    const isExpected: Move['isExpected'] = asking => action !== undefined || asking.name === authenticator?.name
    return [{ name, type, from, to, isExpected }]
  })
  if (moves.length > 0) {
    for (const line of await followExtensions(tenant, moves, configuration, ports)) write(line)
    for (const { name, to } of moves) state.endpoints[name] = to
    // Written at once: if the server does not start, the next start must know where the actions point.
    await writeState(configuration.dataFolder, state)
  }
  if (known.callbackUrl !== web.callbackUrl) {
    const move = { name: WEB_APPLICATION, clientId: known.clientId, from: known.callbackUrl, to: web.callbackUrl }
    for (const line of await followWebApplication(tenant, move, configuration, ports)) write(line)
    known.callbackUrl = web.callbackUrl
    await writeState(configuration.dataFolder, state)
  }
}

/** Creates the demonstration on the first start, adds what is missing on a later one, and stores the result. */
async function makeOrCompleteDemo(
  server: string,
  { configuration, hosted, state, web, write }: Surrounding,
): Promise<{ demo: Demo; withoutAction: string[] }> {
  const { adminPassword, extensionKey, pinSecrets } = state
  const extensions = hosted.extensions.filter(
    ({ action, authenticator, name }) => (action || authenticator) && !(name in state.endpoints),
  )
  const setting = { server, extensions, extensionKey, pinAdminKey: pinSecrets.adminKey }
  const made =
    state.demo ??
    (await createDemo({ ...setting, adminPassword: adminPassword as string, callbackUrl: web.callbackUrl }))
  const completed =
    state.demo && (extensions.length > 0 || (!state.demo.spa && configuration.adminPassword !== undefined))
      ? await completeDemo({ ...setting, adminPassword: configuration.adminPassword }, made, write)
      : { demo: made, withoutAction: [] }
  const endpoints = Object.fromEntries(
    hosted.extensions.flatMap(({ name, url }) => (completed.withoutAction.includes(name) ? [] : [[name, url]])),
  )
  await writeState(configuration.dataFolder, { extensionKey, pinSecrets, demo: completed.demo, endpoints })
  return completed
}

/**
 * Completes a demonstration of an older lab that lacks some extensions. This needs the administrator's password, which
 * the lab does not store.
 *
 * @returns The demonstration afterwards, and the names of the extensions that none of its actions calls.
 */
async function completeDemo(
  { adminPassword, ...setting }: Omit<DemoSetting, 'adminPassword'> & { adminPassword: string | undefined },
  demo: Demo,
  write: (line: string) => void,
): Promise<{ demo: Demo; withoutAction: string[] }> {
  const names = setting.extensions.map(({ name }) => name)
  const lack =
    names.length === 0
      ? 'The demonstration has no single-page application, because it is older than that.'
      : `No action of the demonstration calls ${new Intl.ListFormat('en').format(names)}, because it is older than they are.`
  const advice =
    'To add what is missing, start once with PREFLOW_ADMIN_PASSWORD set to the password of the administrator.'
  if (adminPassword === undefined) {
    write(`${lack} ${advice}`)
    return { demo, withoutAction: names }
  }
  try {
    const completed = await addMissing({ ...setting, adminPassword }, demo)
    for (const line of completed.lines) write(line)
    return { demo: completed.demo, withoutAction: [] }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    write(`${lack} ${error.status === 401 ? `PREFLOW_ADMIN_PASSWORD is not that password. ${advice}` : error.message}`)
    return { demo, withoutAction: names }
  }
}

/** The lab runs on this machine only, so loopback is a trusted proxy and an allowed address for extensions. */
function labConfiguration(environment: Record<string, string | undefined>): Configuration {
  const configuration = readConfiguration({
    PREFLOW_TRUSTED_PROXIES: '127.0.0.0/8,::1',
    PREFLOW_ADDRESS_HEADER: 'x-client-source-ip',
    PREFLOW_PRIVATE_ENDPOINTS: '127.0.0.0/8,::1/128',
    PREFLOW_LOG_LEVEL: 'warn',
    ...environment,
  })
  const { host, port, publicUrl } = configuration
  // SDKs and development servers use localhost, which is another site than 127.0.0.1 for a browser.
  return publicUrl === undefined && host === '127.0.0.1' && port !== 0
    ? { ...configuration, publicUrl: `http://localhost:${port}` }
    : configuration
}
