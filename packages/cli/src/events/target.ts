import { ENDPOINT_AUTHENTICATION_PROPERTIES, type EndpointAuthentication } from '@preflow/contract'
import { UsageError } from '../command.ts'
import type { Target } from './action-call.ts'

/** How the command line and the environment name an extension and the platform's credentials. */
export interface TargetWords {
  url: string | undefined
  auth?: string | undefined
  sign?: readonly string[] | undefined
}

/**
 * Reads the words. An option wins over its variable.
 *
 * @throws {UsageError} When they cannot be meant. Secrets are not repeated.
 */
export function readTarget(words: TargetWords, env: Readonly<Record<string, string | undefined>>): Target {
  const { url, sign } = words
  if (url === undefined) throw new UsageError('The address of the extension is missing.')
  const parsed = URL.parse(url)
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new UsageError(`${url}: is no absolute http or https URL. Write it like http://127.0.0.1:8080/hook.`)
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new UsageError('No platform sends credentials that are part of a URL: give them with --auth.')
  }
  const auth = words.auth ?? (env['PREFLOW_AUTH'] || undefined)
  const signingSecrets = sign ?? (env['PREFLOW_SIGN'] ? env['PREFLOW_SIGN'].split(',') : [])
  if (!signingSecrets.every(secret => /^whsec_[A-Za-z0-9+/]{16,}={0,2}$/.test(secret))) {
    throw new UsageError('A signing secret is whsec_ followed by base64 of 24 to 64 random bytes.')
  }
  return {
    url,
    authentication: auth === undefined ? { type: 'NONE' } : readAuthentication(auth),
    signingSecrets,
  }
}

/** Without the credentials, should an extension have repeated them. */
export function withoutSecrets(text: string, { authentication, signingSecrets }: Target): string {
  const { properties = {} } = authentication as { properties?: Record<string, string> }
  const secrets = [
    ...signingSecrets,
    ...Object.entries(properties).flatMap(([name, value]) => (PUBLIC_PROPERTIES.has(name) ? [] : value)),
  ]
  return secrets
    .flatMap(secret => (secret.length < LONG ? secret : [secret, secret.slice(0, -1)]))
    .reduce(
      (shown, secret) => shown.replaceAll(secret, HIDDEN).replaceAll(JSON.stringify(secret).slice(1, -1), HIDDEN),
      text,
    )
}

/** A document as JSON for a program: without the credentials in its texts, and still JSON whatever the credentials are. */
export function jsonWithoutSecrets(document: object, target: Target): string {
  const hide = (_: string, value: unknown) => (typeof value === 'string' ? withoutSecrets(value, target) : value)
  return `${JSON.stringify(document, hide, 2)}\n`
}

const PUBLIC_PROPERTIES: ReadonlySet<string> = new Set(
  Object.values(ENDPOINT_AUTHENTICATION_PROPERTIES).flatMap(({ shown }) => shown),
)
const HIDDEN = '<credential>'
/** Of such secrets all but the last character is hidden as well: the verifier asks with ones that are nearly right. */
const LONG = 8

const readers: Readonly<Record<string, (rest: string) => EndpointAuthentication | undefined>> = {
  none: () => ({ type: 'NONE' }),
  basic: rest => {
    const [, username, password] = /^([^:]+):(.+)$/s.exec(rest) ?? []
    return username && password ? { type: 'BASIC', properties: { username, password } } : undefined
  },
  bearer: accessToken => (accessToken ? { type: 'BEARER', properties: { accessToken } } : undefined),
  'api-key': rest => {
    const [, header, value] = /^([\w-]+)=(.+)$/s.exec(rest) ?? []
    return header && value ? { type: 'API_KEY', properties: { header, value } } : undefined
  },
}

function readAuthentication(word: string): EndpointAuthentication {
  const [, scheme = '', rest = ''] = /^([a-z-]+):?(.*)$/s.exec(word) ?? []
  const read = Object.hasOwn(readers, scheme) ? readers[scheme]?.(rest) : undefined
  if (!read) {
    throw new UsageError(
      'The credentials are basic:USER:PASSWORD, bearer:TOKEN or api-key:HEADER=VALUE (in --auth or PREFLOW_AUTH).',
    )
  }
  return read
}
