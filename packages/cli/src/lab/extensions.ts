/** The ready-made extensions that the lab hosts, as data. To host another one, add its entry to {@link hostedExtensions}. */
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
  /** Its path below the address of the extensions, without the slash. */
  name: string
  /** The type of the actions that it decides. */
  type: ActionType
  /** What it asks on the internet, for which there is a stand-in here. */
  asks?: OutsideService
  /** The action of the demonstration that asks it. Absent: none does, for example because another extension decides the type. */
  action?: DemoAction
  /** The authenticator of the demonstration that asks it, in the last step of the web application's sign-in. */
  authenticator?: DemoAuthenticator
  /** What the start-up text shows of it, once its action is there. */
  tries?: readonly Try[]
  /** Opens it with the settings of the demonstration. Rejects with a sentence when something it needs cannot be used. */
  open(surroundings: Surroundings): Promise<HostedService>
}

/** An action as the actions API takes it, without the address and the key of its extension. */
export interface DemoAction {
  name: string
  description: string
  endpoint?: { allowedHeaders: string[] }
  /** Claim URIs, ten at most. */
  attributes?: string[]
  passwordSharing?: { format: 'PLAIN_TEXT' }
}

/** A custom authenticator as its API takes it, without the address and the key of its extension. */
export type DemoAuthenticator = Pick<
  CustomAuthenticatorInput,
  'name' | 'displayName' | 'authenticationType' | 'description'
> & { endpoint: { allowedParameters: string[] } }

/** An extension that is ready to answer: at one path, or with whatever it has below it. */
export type HostedService =
  | OpenService
  | (Omit<OpenService, 'extension'> & { fetch(request: Request): Promise<Response> })

/** A request to paste. */
export interface Try {
  /** What it shows, with a colon at the end. */
  shows: string
  /** @param tenant Where the demonstration tenant answers, without a slash at the end. */
  request(tenant: string, demo: Demo): string
}

/** What an extension finds in the lab. */
export interface Surroundings {
  /** The key that whoever calls it must have. */
  extensionKey: string
  environment: Environment
  /** Its own address. */
  url: string
  /** Where the server answers, without a slash at the end. */
  platformUrl: string
  /** Where it may keep what it has to. The folder is there. */
  dataFolder: string
  pinSecrets: LabState['pinSecrets']
  /** What hashing a PIN costs, as log2 of N of scrypt. Default: that of pin-authenticator. */
  pinCostLog2?: number
  /** Where the service is that it asks: the real one or the stand-in. */
  asked?: string
  log(record: DecisionRecord): void
  /** Something else that is worth a line. */
  say(line: string): void
  /** Milliseconds since the epoch. */
  now(): number
}

/** A service on the internet, and what answers in its place where nobody wants to go there. */
export interface OutsideService {
  /** What the start-up text calls it. */
  label: string
  /** Its own name. */
  name: string
  url: string
  /** What to do so that it is asked. */
  howToAsk: string
  /** @throws {Error} With a sentence, when the environment does not say it clearly. */
  isAsked(environment: Environment): boolean
  startStandIn(options: { port: number }): Promise<{ url: string; close(): Promise<void> }>
  /** Where the stand-in listens. Absent: on a free port. */
  standInPort?: PortSetting
}

const REPUTATION_PORT = 'PREFLOW_REPUTATION_PORT'
const REAL_PASSWORDS = 'PREFLOW_PWNED_PASSWORDS'

/** Variables of {@link hostedExtensions} with the prefix of the server's own. */
export const extensionVariables: readonly string[] = [REPUTATION_PORT, REAL_PASSWORDS, LOOPBACK_ADDRESS]

/** What profile-guard insists on. */
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
    // Without a comma, which platforms do not take in a description.
    description: 'The department must be Engineering or HR or Sales.',
  },
]

/** In the order in which the start-up text names them. */
export const hostedExtensions: readonly HostedExtension[] = [
  {
    name: 'token-guard',
    type: 'PRE_ISSUE_ACCESS_TOKEN',
    asks: {
      label: 'reputation',
      name: 'AbuseIPDB',
      url: 'https://api.abuseipdb.com',
      howToAsk: 'set ABUSEIPDB_API_KEY',
      isAsked: ({ ABUSEIPDB_API_KEY: key }) => key !== undefined && key !== '',
      startStandIn: startReputationStandIn,
      standInPort: { variable: REPUTATION_PORT, fallback: 9402 },
    },
    action: {
      name: 'Guard tokens by address',
      description: 'Asks token-guard for country, reputation and hour',
      endpoint: { allowedHeaders: ['x-client-source-ip'] },
    },
    tries: [
      {
        shows: 'A token for an address with a good reputation lives an hour:',
        request: tokenFor(demoAddresses.good),
      },
      {
        shows: 'A doubtful one lives 15 minutes in working hours and 5 outside of them:',
        request: tokenFor(demoAddresses.doubtful),
      },
      { shows: 'None is issued to a blocked country:', request: tokenFor(demoAddresses.blocked) },
    ],
    open: async surroundings => {
      const address = loopbackAddress(surroundings.environment)
      const opened = await openTokenGuard(
        configurationOf(tokenGuard, surroundings, {
          countryDatabase: countryDatabase(),
          blockedCountries: ['KP', 'IR', 'RU', 'SY', 'CN'],
          abuseipdbApiKey: surroundings.environment['ABUSEIPDB_API_KEY'] || 'stand-in',
          abuseipdbUrl: surroundings.asked,
        }),
        surroundings,
      )
      return { ...opened, extension: withLoopbackAs(opened.extension, address) }
    },
  },
  {
    name: 'password-guard',
    type: 'PRE_UPDATE_PASSWORD',
    asks: {
      label: 'breached passwords',
      name: 'Pwned Passwords',
      url: 'https://api.pwnedpasswords.com',
      howToAsk: `set ${REAL_PASSWORDS}=on`,
      isAsked: ({ [REAL_PASSWORDS]: text = '' }) => {
        if (text === 'on') return true
        if (text === '' || text === 'off') return false
        throw new Error(`${REAL_PASSWORDS}: must be on or off.`)
      },
      startStandIn: startRangeStandIn,
    },
    action: {
      name: 'Guard new passwords',
      description: 'Asks password-guard for breaches, length and words of the user',
      attributes: ['username', 'emailaddress', 'givenname', 'lastname'].map(localClaimUri),
      passwordSharing: { format: 'PLAIN_TEXT' },
    },
    tries: [
      {
        shows: 'A password that is known from breaches is refused:',
        request: change('{"op":"replace","path":"password","value":"Summer2026!"}'),
      },
    ],
    open: surroundings =>
      passwordGuard.open(configurationOf(passwordGuard, surroundings, { rangeApiUrl: surroundings.asked }), {
        log: surroundings.log,
      }),
  },
  {
    name: 'profile-guard',
    type: 'PRE_UPDATE_PROFILE',
    action: {
      name: 'Guard profile changes',
      description: 'Asks profile-guard for the domain of the address and the department',
      attributes: PROFILE_RULES.map(rule => rule.claim),
    },
    tries: [
      {
        shows: 'A profile takes e-mail addresses of example.com only, and the departments Engineering, HR and Sales:',
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
      description: 'Asks pin-authenticator for a PIN after the password',
      endpoint: { allowedParameters: [RETURN_CODE_PARAMETER] },
    },
    open: openPinAuthenticator,
  },
]

/** A request for a token, as if it came from the address. */
function tokenFor({ address }: DemoAddress): Try['request'] {
  return (tenant, { m2m }) =>
    `curl -s ${tenant}/oauth2/token -u ${m2m.clientId}:${m2m.clientSecret} \\\n` +
    `    -d grant_type=client_credentials -H 'x-client-source-ip: ${address}'`
}

/** A change that the first user makes of their own account. */
function change(operation: string): Try['request'] {
  return (tenant, { users: [user] }) =>
    `curl -s -X PATCH ${tenant}/scim2/Me -u ${user?.userName}:${user?.password} -H 'content-type: application/scim+json' \\\n` +
    `    -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[${operation}]}'`
}

/** With its users' PINs in the folder of the data, and its secrets in the lab's memory. */
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
        // The lab gives the PINs itself, before anybody reads.
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

/** A server that listens on every address names one that browsers can come back to neither by https nor on this machine. */
function returnableUrl(platformUrl: string, say: Surroundings['say']): string {
  const { hostname, port, protocol } = new URL(platformUrl)
  if (protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return platformUrl
  const url = `http://127.0.0.1:${port}`
  say(
    `pin-authenticator sends browsers back to ${url}, because ${platformUrl} is neither https nor this machine. PREFLOW_PUBLIC_URL says where browsers reach the server.`,
  )
  return url
}

/** The settings, with the key that callers need. Nothing else is read from the environment: it is that of the lab. */
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

/** A permissively licensed data set, fit for a demonstration; operators name their own, current file. */
function countryDatabase(): string {
  const manifest = import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/package.json')
  return join(dirname(fileURLToPath(manifest)), 'geo-whois-asn-country.mmdb')
}
