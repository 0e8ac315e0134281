/**
 * The ready-made extensions that the lab hosts, as data. To host another one, add its entry to {@link
 * hostedExtensions}.
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ActionType, localClaimUri, present, RETURN_CODE_PARAMETER } from '@preflow/contract'
import type { DecisionRecord } from '@preflow/extension'
import { type OpenService, readService, type Service, type ServiceConfiguration } from '@preflow/extension/service'
import type { Settings } from '@preflow/extension/settings'
import { passwordGuard } from '@preflow/password-guard'
import { startRangeStandIn } from '@preflow/password-guard/range-stand-in'
import { createPinAuthenticator, readConfiguration } from '@preflow/pin-authenticator'
import type { ProfileRule } from '@preflow/policies'
import { profileGuard } from '@preflow/profile-guard'
import { scopeLimiter } from '@preflow/scope-limiter'
import type { CustomAuthenticatorInput } from '@preflow/server/management'
import { openTokenGuard, tokenGuard } from '@preflow/token-guard'
import { startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'
import { type DemoAddress, demoAddresses } from './demo-addresses.ts'
import { LOOPBACK_ADDRESS, loopbackAddress, withLoopbackAs } from './loopback.ts'
import type { PortSetting } from './ports.ts'
import type { Demo, LabState } from './state.ts'

type Environment = Record<string, string | undefined>

/** An extension that the lab hosts. */
export interface HostedExtension {
  /** Its path below the address of the extensions, without a slash. */
  name: string
  /** The type of the actions that it decides. */
  type: ActionType
  /** The internet service that it calls and that the lab can replace with a stand-in. */
  calls?: OutsideService
  /**
   * The action of the demonstration that calls it. Absent if none does, for example because another extension decides
   * the type.
   */
  action?: DemoAction
  /** The authenticator of the demonstration that calls it, in the last step of the web application's sign-in. */
  authenticator?: DemoAuthenticator
  /** The requests that the start-up message shows, once its action exists. */
  tries?: readonly Try[]
  /**
   * Opens it with the settings of the demonstration. Rejects with a message if something that it needs is not usable.
   */
  open(surroundings: Surroundings): Promise<HostedService>
}

/** An action in the form of the actions API, without the address and the key of its extension. */
export interface DemoAction {
  name: string
  description: string
  endpoint?: { allowedHeaders: string[] }
  /** Claim URIs, at most ten. */
  attributes?: string[]
  passwordSharing?: { format: 'PLAIN_TEXT' }
}

/** A custom authenticator in the form of its API, without the address and the key of its extension. */
export type DemoAuthenticator = Pick<
  CustomAuthenticatorInput,
  'name' | 'displayName' | 'authenticationType' | 'description'
> & { endpoint: { allowedParameters: string[] } }

/** A running extension: it serves one path, or everything below it. */
export type HostedService =
  | OpenService
  | (Omit<OpenService, 'extension'> & { fetch(request: Request): Promise<Response> })

/** A request to paste. */
export interface Try {
  /** What it shows, with a colon at the end. */
  shows: string
  /** @param tenant The address of the demonstration tenant, without a trailing slash. */
  request(tenant: string, demo: Demo): string
}

/** What the lab provides to an extension. */
export interface Surroundings {
  /** The key that callers must send. */
  extensionKey: string
  environment: Environment
  /** Its own address. */
  url: string
  /** The address of the server, without a trailing slash. */
  platformUrl: string
  /** The existing folder for its data. */
  dataFolder: string
  pinSecrets: LabState['pinSecrets']
  /** The cost of hashing a PIN, as log2 of N of scrypt. Default: that of pin-authenticator. */
  pinCostLog2?: number
  /** The address of the service that it calls: the real one or the stand-in. */
  serviceUrl?: string
  log(record: DecisionRecord): void
  /** Logs one line. */
  say(line: string): void
  /** Milliseconds since the epoch. */
  now(): number
}

/** An internet service and its stand-in. */
export interface OutsideService {
  /** Its label in the start-up message. */
  label: string
  /** Its own name. */
  name: string
  url: string
  /** How to use the real service. */
  howToUse: string
  /** @throws {Error} With a message, if the environment is not clear. */
  isReal(environment: Environment): boolean
  startStandIn(options: { port: number }): Promise<{ url: string; close(): Promise<void> }>
  /** The port of the stand-in. Absent: a free port. */
  standInPort?: PortSetting
}

const REPUTATION_PORT = 'PREFLOW_REPUTATION_PORT'
const REAL_PASSWORDS = 'PREFLOW_PWNED_PASSWORDS'

/** Variables of {@link hostedExtensions} with the prefix of the server. */
export const extensionVariables: readonly string[] = [REPUTATION_PORT, REAL_PASSWORDS, LOOPBACK_ADDRESS]

/** The rules of profile-guard. */
const PROFILE_RULES: ProfileRule[] = [
  {
    claim: localClaimUri('emailaddress'),
    pattern: '(?i)[^@]+@example\\.com',
    mayBeRemoved: false,
    description: 'The account must have an e-mail address of example.com.',
  },
  {
    claim: localClaimUri('department'),
    values: ['Engineering', 'HR', 'Sales'],
    // Without a comma, because platforms reject commas in a description.
    description: 'The department must be Engineering or HR or Sales.',
  },
]

/** In the order of the start-up message. */
export const hostedExtensions: readonly HostedExtension[] = [
  {
    name: 'token-guard',
    type: 'PRE_ISSUE_ACCESS_TOKEN',
    calls: {
      label: 'reputation',
      name: 'AbuseIPDB',
      url: 'https://api.abuseipdb.com',
      howToUse: 'set ABUSEIPDB_API_KEY',
      isReal: ({ ABUSEIPDB_API_KEY: key }) => key !== undefined && key !== '',
      startStandIn: startReputationStandIn,
      standInPort: { variable: REPUTATION_PORT, fallback: 9402 },
    },
    action: {
      name: 'Guard tokens by address',
      description: 'Calls token-guard to check country, reputation and hour',
      endpoint: { allowedHeaders: ['x-client-source-ip'] },
    },
    tries: [
      {
        shows: 'A token for an address with a good reputation is valid for an hour:',
        request: tokenFor(demoAddresses.good),
      },
      {
        shows: 'For a doubtful address it is valid for 15 minutes in working hours, otherwise for 5:',
        request: tokenFor(demoAddresses.doubtful),
      },
      { shows: 'A blocked country gets no token:', request: tokenFor(demoAddresses.blocked) },
    ],
    open: async surroundings => {
      const address = loopbackAddress(surroundings.environment)
      const opened = await openTokenGuard(
        configurationOf(tokenGuard, surroundings, {
          countryDatabase: countryDatabase(),
          blockedCountries: ['KP', 'IR', 'RU', 'SY', 'CN'],
          abuseipdbApiKey: surroundings.environment['ABUSEIPDB_API_KEY'] || 'stand-in',
          abuseipdbUrl: surroundings.serviceUrl,
        }),
        surroundings,
      )
      return { ...opened, extension: withLoopbackAs(opened.extension, address) }
    },
  },
  {
    name: 'password-guard',
    type: 'PRE_UPDATE_PASSWORD',
    calls: {
      label: 'breached passwords',
      name: 'Pwned Passwords',
      url: 'https://api.pwnedpasswords.com',
      howToUse: `set ${REAL_PASSWORDS}=on`,
      isReal: ({ [REAL_PASSWORDS]: text = '' }) => {
        if (text === 'on') return true
        if (text === '' || text === 'off') return false
        throw new Error(`${REAL_PASSWORDS}: must be on or off.`)
      },
      startStandIn: startRangeStandIn,
    },
    action: {
      name: 'Guard new passwords',
      description: 'Calls password-guard to check for breaches, length and words of the user',
      attributes: ['username', 'emailaddress', 'givenname', 'lastname', 'groups'].map(localClaimUri),
      passwordSharing: { format: 'PLAIN_TEXT' },
    },
    tries: [
      {
        shows: 'A password that is known from breaches is rejected:',
        request: change('{"op":"replace","path":"password","value":"Summer2026!"}'),
      },
    ],
    open: surroundings =>
      passwordGuard.open(configurationOf(passwordGuard, surroundings, { rangeApiUrl: surroundings.serviceUrl }), {
        log: surroundings.log,
      }),
  },
  {
    name: 'profile-guard',
    type: 'PRE_UPDATE_PROFILE',
    action: {
      name: 'Guard profile changes',
      description: 'Calls profile-guard to check the domain of the address and the department',
      attributes: [...PROFILE_RULES.map(rule => rule.claim), localClaimUri('groups')],
    },
    tries: [
      {
        shows: 'A profile accepts only e-mail addresses of example.com and the departments Engineering, HR and Sales:',
        request: change('{"op":"replace","path":"emails","value":[{"value":"mira@example.net","primary":true}]}'),
      },
    ],
    open: surroundings =>
      profileGuard.open(configurationOf(profileGuard, surroundings, { rules: PROFILE_RULES, alerts: 'off' }), {
        log: surroundings.log,
      }),
  },
  {
    name: 'scope-limiter',
    type: 'PRE_ISSUE_ACCESS_TOKEN',
    open: surroundings =>
      scopeLimiter.open(configurationOf(scopeLimiter, surroundings, { allowedScopes: ['orders.read'] }), {
        log: surroundings.log,
      }),
  },
  {
    name: 'pin-authenticator',
    type: 'AUTHENTICATION',
    authenticator: {
      name: 'custom-pin',
      displayName: 'PIN',
      authenticationType: 'VERIFICATION',
      description: 'Calls pin-authenticator for a PIN after the password',
      endpoint: { allowedParameters: [RETURN_CODE_PARAMETER] },
    },
    open: openPinAuthenticator,
  },
]

/** A token request that appears to come from the address. */
function tokenFor({ address }: DemoAddress): Try['request'] {
  return (tenant, { m2m }) =>
    `curl -s ${tenant}/oauth2/token -u ${m2m.clientId}:${m2m.clientSecret} \\\n` +
    `    -d grant_type=client_credentials -H 'x-client-source-ip: ${address}'`
}

/** A change that the first user makes to their own account. */
function change(operation: string): Try['request'] {
  return (tenant, { users: [user] }) =>
    `curl -s -X PATCH ${tenant}/scim2/Me -u ${user?.userName}:${user?.password} -H 'content-type: application/scim+json' \\\n` +
    `    -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[${operation}]}'`
}

/** The PINs of its users are in the data folder, and its secrets in the lab's state. */
async function openPinAuthenticator(surroundings: Surroundings): Promise<HostedService> {
  const { dataFolder, extensionKey, log, now, pinCostLog2, pinSecrets, platformUrl, say, url } = surroundings
  const read = readConfiguration({
    environment: {},
    file: {
      mode: 'second_factor',
      publicUrl: url,
      platformUrls: [returnableUrl(platformUrl, say)],
      caller: 'api-key',
      callerSecrets: [extensionKey],
      adminKeys: [pinSecrets.adminKey],
      pepper: pinSecrets.pepper,
      database: join(dataFolder, 'pin-authenticator.sqlite'),
    },
  })
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const { close, fetch } = await createPinAuthenticator(
    { ...read.configuration, ...present({ hashCostLog2: pinCostLog2 }) },
    {
      now,
      randomBytes,
      log: ({ event, ...facts }) => {
        if (event === 'call') return log(facts as unknown as DecisionRecord)
        // The lab sets the PINs itself, before anybody reads the log.
        if (event === 'enrolment') return
        say(
          `pin-authenticator ${event}: ${Object.entries(facts)
            .map(([name, fact]) => `${name} ${fact}`)
            .join(', ')}`,
        )
      },
    },
  )
  return { fetch, close, isReady: async () => (await fetch(new Request(`${url}/readyz`))).ok }
}

/**
 * The address of the server if browsers can return to it. A server that listens on every address has one that is
 * neither https nor this machine.
 */
function returnableUrl(platformUrl: string, say: Surroundings['say']): string {
  const { hostname, port, protocol } = new URL(platformUrl)
  if (protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return platformUrl
  const url = `http://127.0.0.1:${port}`
  say(
    `pin-authenticator sends browsers back to ${url}, because ${platformUrl} is neither https nor this machine. Set PREFLOW_PUBLIC_URL to the address at which browsers reach the server.`,
  )
  return url
}

/** The settings, with the key for callers. Nothing else is read from the environment, which belongs to the lab. */
function configurationOf<S extends Settings>(
  service: Service<S>,
  { extensionKey }: Surroundings,
  settings: object,
): ServiceConfiguration<S> {
  const read = readService(service, {
    environment: {},
    file: { caller: 'api-key', callerSecrets: [extensionKey], ...settings },
  })
  if (!read.ok) throw new Error(read.problems.join('\n'))
  return read.configuration
}

/** A permissively licensed data set for demonstrations. Operators use their own current file. */
function countryDatabase(): string {
  const manifest = import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/package.json')
  return join(dirname(fileURLToPath(manifest)), 'geo-whois-asn-country.mmdb')
}
