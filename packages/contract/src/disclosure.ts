/**
 * Headers of a client's request that never reach an extension, whatever action, server or platform say: they prove who
 * the client or the user is. In lower case; compared without regard to case.
 */
export const SECRET_HEADERS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
]

/** Parameters that never reach an extension, likewise. */
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
]
