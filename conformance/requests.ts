import assert from 'node:assert/strict'
import { decodeJwt, type JWTPayload } from 'jose'
import type { Json } from './extension-under-test.ts'

/** The response to an HTTP request of a row. */
export interface Answered {
  status: number
  headers: Headers
  /** Parsed if it is JSON. */
  body: Json
}

/** The response of the token endpoint, with its tokens decoded. */
export interface Issued extends Answered {
  /** Absent if there is no token or an opaque one. */
  accessToken?: JWTPayload
  idToken?: JWTPayload
  /** Lifetime of the access token, from its own claims. */
  lifetimeSeconds?: number
}

/**
 * A request to an API below the tenant's path.
 *
 * @param authorization Value of the header. Default: the administrator's.
 */
export type Call = (method: string, path: string, body?: unknown, authorization?: string) => Promise<Answered>

const JSON_TYPE = 'application/json'
const SCIM_TYPE = 'application/scim+json'

/** Requests to the APIs below an address, as this caller unless a call sets another one. */
export function callsBelow(root: string, defaultAuthorization: string): Call {
  return (method, path, body, authorization = defaultAuthorization) => {
    const type = path.includes('/scim2/') ? SCIM_TYPE : JSON_TYPE
    return body === undefined
      ? request(root + path, { method, headers: { authorization } })
      : request(root + path, {
          method,
          headers: { authorization, 'content-type': type },
          body: JSON.stringify(body),
        })
  }
}

/** Sends a request and follows no redirects. */
export async function request(url: string, init: RequestInit): Promise<Answered> {
  const response = await fetch(url, { ...init, redirect: 'manual' })
  const text = await response.text()
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text }
}

export function expectOk(answered: Answered, what: string): Answered {
  assert(answered.status < 300, `${what} answered ${answered.status}: ${JSON.stringify(answered.body)}`)
  return answered
}

/** The id of the created resource, from `Location`. */
export function idOf({ headers }: Answered): string {
  return headers.get('location')?.split('/').at(-1) ?? ''
}

export function basic(name: string, secret: string): string {
  return `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`
}

export function decodeTokens(answered: Answered): Issued {
  const { access_token, id_token } = answered.body
  const isJwt = typeof access_token === 'string' && access_token.split('.').length === 3
  const issued: Issued = { ...answered }
  if (isJwt) {
    issued.accessToken = decodeJwt(access_token)
    issued.lifetimeSeconds = (issued.accessToken.exp ?? 0) - (issued.accessToken.iat ?? 0)
  }
  if (typeof id_token === 'string') issued.idToken = decodeJwt(id_token)
  return issued
}
