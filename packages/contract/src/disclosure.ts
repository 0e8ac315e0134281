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

/**
 * The parameter of the return to `/commonauth` with which a browser proves that it is the one in which the user proved who they
 * are. The extension made its value for that browser alone, and gets it with the next call.
 */
export const RETURN_CODE_PARAMETER = 'returnCode'

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
