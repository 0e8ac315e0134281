import type { TestContext } from 'node:test'
import { type AccessTokenEvent, type IdTokenEvent, type Platform, platforms } from '@preflow/contract'
import {
  type ActionCall,
  createCredentialSource,
  createSend,
  type DiagnosticStep,
  type EnginePorts,
  executeAction,
  type Outcome,
} from './index.ts'

const organization = { id: 'o-41', name: 'Acme', orgHandle: 'acme', depth: 0 }
const iss = 'https://idp.test/t/acme/oauth2/token'

/** F-CC of the specification: client credentials, 7 claims, no scopes, no refresh token. */
export const clientCredentialsEvent: AccessTokenEvent = {
  request: {
    clientId: 'm2m-7',
    grantType: 'client_credentials',
    additionalHeaders: [{ name: 'x-client-source-ip', value: ['203.0.113.9'] }],
  },
  tenant: { id: '41', name: 'acme' },
  accessToken: {
    tokenType: 'JWT',
    claims: [
      { name: 'iss', value: iss },
      { name: 'client_id', value: 'm2m-7' },
      { name: 'aut', value: 'APPLICATION' },
      { name: 'expires_in', value: 3600 },
      { name: 'aud', value: ['m2m-7'] },
      { name: 'subject_type', value: 'public' },
      { name: 'sub', value: 'm2m-7' },
    ],
  },
  response: { parameters: ['access_token', 'token_type', 'scope', 'expires_in'] },
}

/** F-USER of the specification: code grant with scopes, user claims and a refresh token. */
export const userEvent: AccessTokenEvent = {
  request: { clientId: 'web1', grantType: 'authorization_code', scopes: ['openid', 'cart.read', 'orders.write'] },
  tenant: { id: '41', name: 'acme' },
  organization,
  user: { id: 'u-9', organization },
  userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
  accessToken: {
    tokenType: 'JWT',
    claims: [
      { name: 'iss', value: iss },
      { name: 'client_id', value: 'web1' },
      { name: 'aut', value: 'APPLICATION_USER' },
      { name: 'expires_in', value: 1800 },
      { name: 'aud', value: ['web1', 'https://api.shop.test'] },
      { name: 'sub', value: 'u-9' },
      { name: 'given_name', value: 'Mira' },
      { name: 'age', value: 41 },
      { name: 'groups', value: ['staff', 'eu'] },
    ],
    scopes: ['cart.read', 'openid', 'orders.write'],
  },
  refreshToken: { claims: [{ name: 'expires_in', value: 7200 }] },
  session: { sessionDataKeyConsent: 'k-1' },
  response: { parameters: ['access_token', 'token_type', 'scope', 'expires_in', 'refresh_token', 'id_token'] },
}

/** F-ID of the specification. */
export const idTokenEvent: IdTokenEvent = {
  request: { clientId: 'web1', grantType: 'authorization_code', scopes: ['openid', 'profile'] },
  tenant: { id: '41', name: 'acme' },
  organization,
  user: { id: 'u-9', userType: 'LOCAL', organization },
  userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
  idToken: {
    claims: [
      { name: 'jti', value: 'j-1' },
      { name: 'iss', value: iss },
      { name: 'azp', value: 'web1' },
      { name: 'amr', value: ['pwd'] },
      { name: 'at_hash', value: 'h' },
      { name: 'sub', value: 'u-9' },
      { name: 'given_name', value: 'Mira' },
      { name: 'groups', value: ['staff', 'eu'] },
      { name: 'aud', value: ['web1'] },
      { name: 'expires_in', value: 3600 },
    ],
  },
}

/** A platform with short deadlines, so that a test without answers is short. */
export function hurried(platform: Platform, calling: Partial<Platform['calling']> = {}): Platform {
  return { ...platform, calling: { ...platform.calling, connectTimeoutMs: 150, readTimeoutMs: 150, ...calling } }
}

/** A call of the access token action at `uri`, with changes for a test. */
export function callTo(
  uri: string,
  changes: {
    action?: Partial<Omit<ActionCall['action'], 'endpoint'>>
    endpoint?: Partial<ActionCall['action']['endpoint']>
  } & Partial<Omit<ActionCall, 'action'>> = {},
): ActionCall {
  const { action, endpoint, ...others } = changes
  return {
    action: {
      id: 'a-1',
      type: 'PRE_ISSUE_ACCESS_TOKEN',
      version: 'v1',
      ...action,
      endpoint: { uri, authentication: { type: 'NONE' }, ...endpoint },
    },
    platform: platforms.preflow,
    event: clientCredentialsEvent,
    facts: { application: 'app-1', grantType: 'client_credentials' },
    requestId: 'rq-1',
    ...others,
  }
}

/** Ports of an engine that may call this machine. They are closed with the test. */
export function testPorts(
  t: Pick<TestContext, 'after'>,
  changes: Partial<EnginePorts> = {},
): EnginePorts & { steps: DiagnosticStep[] } {
  const send = createSend({ allowedAddresses: ['127.0.0.0/8', '::1/128'] })
  t.after(() => send.close())
  const steps: DiagnosticStep[] = []
  const now = Date.now
  return {
    send,
    credentials: createCredentialSource({ send, now }),
    now,
    observe: step => steps.push(step),
    steps,
    ...changes,
  }
}

/** Returns the error of an outcome. Fails if there is none. */
export function errorOf(outcome: Outcome): { code: string; message: string } {
  if (outcome.status !== 'error') throw new Error(`the outcome is ${outcome.status}, not error`)
  return outcome.error
}

/** Returns the outcome as a success. */
export function successOf(outcome: Outcome): Outcome & { status: 'success' } {
  if (outcome.status !== 'success') {
    throw new Error(`the outcome is ${outcome.status}: ${'error' in outcome ? outcome.error?.message : ''}`)
  }
  return outcome
}

export { executeAction }
