import type { NamedValues } from './event.ts'

/**
 * Headers of a client's request that never reach an extension, regardless of the settings of action, server or
 * platform: they authenticate the client or the user. In lower case, but compared without regard to case. {@link
 * isSecretHeader} knows more.
 */
export const SECRET_HEADERS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
]

/** A header with one of these parts between its hyphens holds a credential of a client, a user or a gateway. */
const SECRET_HEADER_PARTS: readonly string[] = [
  ...['auth', 'authorization', 'token', 'jwt', 'assertion', 'secret', 'session', 'credential', 'password', 'otp'],
  ...['apikey', 'api-key', 'access-key', 'cert', 'dpop', 'signature', 'csrf', 'xsrf'],
]

/** Prefixes of headers that gateways add after they have checked a credential. */
const SECRET_HEADER_BEGINNINGS: readonly string[] = [
  ...['cf-access-', 'x-amz-', 'x-goog-iap', 'x-ms-token', 'x-forwarded-access', 'x-forwarded-client-cert'],
  'ssl-client-',
]

/** Headers that are named like a credential but are none: the reference's guide forwards it. */
const OPEN_HEADERS: readonly string[] = ['postman-token']

/**
 * The parameter of the return to `/commonauth` with which a browser proves that its user completed the factor. The
 * extension creates the value for that browser alone, and gets it with the next call.
 */
export const RETURN_CODE_PARAMETER = 'returnCode'

/** Parameters that never reach an extension either. {@link isSecretParameter} knows more. */
export const SECRET_PARAMETERS: readonly string[] = [
  'client_secret',
  'password',
  'username',
  'code',
  'code_verifier',
  'refresh_token',
  'assertion',
  'client_assertion',
  'subject_token',
  'actor_token',
  'device_code',
  'token',
  'otp',
  'pin',
  'api_key',
  'id_token_hint',
  'request',
]

const SECRET_PARAMETER = /_token$|_secret$|_assertion$|password/

/** `Bearer …`, `Basic …` and the like, and a compact JWS or JWE anywhere. */
const CREDENTIAL = /^\s*(?:basic|bearer|digest|dpop|negotiate)\s+\S|(?:^|[^\w-])eyJ[\w-]{4,}\.[\w-]*\.[\w-]*/i

/** Whether the name of a header, in any case, means a credential. */
export function isSecretHeader(name: string): boolean {
  const lower = name.toLowerCase()
  if (OPEN_HEADERS.includes(lower)) return false
  const parts = `-${lower.replaceAll('_', '-')}-`
  return (
    SECRET_HEADERS.includes(lower) ||
    SECRET_HEADER_PARTS.some(part => parts.includes(`-${part}-`)) ||
    SECRET_HEADER_BEGINNINGS.some(beginning => parts.startsWith(`-${beginning}`))
  )
}

/** Whether the name of a parameter, in any case, means a credential. */
export function isSecretParameter(name: string): boolean {
  const lower = name.toLowerCase()
  return SECRET_PARAMETERS.includes(lower) || SECRET_PARAMETER.test(lower)
}

/** Whether a value has the form of a credential, whatever its name is: a token, or the value of `Authorization:`. */
export function isCredential(value: string): boolean {
  return CREDENTIAL.test(value)
}

/** Whether a header of a client's request may reach an extension, if the lists of action and server allow it. */
export function mayDiscloseHeader({ name, value }: NamedValues): boolean {
  return !isSecretHeader(name) && !value.some(isCredential)
}

/** Whether a parameter of a client's request may reach an extension, if the lists of action and server allow it. */
export function mayDiscloseParameter({ name, value }: NamedValues): boolean {
  return !isSecretParameter(name) && !value.some(isCredential)
}
