import type { ActionRequest, ActionResponse, Events } from '@preflow/contract'
import { type DecisionRecord, defineExtension, type Extension, type Handlers } from './define-extension.ts'

/** Some of the members of a document, at every depth; a list is given whole. */
export type Overrides<Document> = Document extends readonly unknown[]
  ? Document
  : Document extends object
    ? { [Key in keyof Document]?: Overrides<Document[Key]> | undefined }
    : Document

/** What an extension answered. */
export interface CallResult {
  status: number
  headers: Headers
  answer: ActionResponse
}

/**
 * A request as a platform would send it, with what a test is about put in.
 *
 * @param overrides Merged into the sample; lists replace lists, and `undefined` takes a member out.
 * @example
 * sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { request: { grantType: 'refresh_token' } } })
 */
export function sampleRequest<T extends keyof Events>(
  type: T,
  overrides: Overrides<ActionRequest<Events[T]>> = {},
): ActionRequest<Events[T]> {
  return merge(samples[type], overrides) as ActionRequest<Events[T]>
}

/** Calls an extension without a socket and reads its answer. */
export async function call(
  extension: Extension,
  request: unknown,
  { headers = {} }: { headers?: Record<string, string> } = {},
): Promise<CallResult> {
  const response = await extension.fetch(
    new Request('http://extension.test/', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof request === 'string' ? request : JSON.stringify(request),
    }),
  )
  return { status: response.status, headers: response.headers, answer: (await response.json()) as ActionResponse }
}

/**
 * Lets handlers decide one request, without a caller to authenticate.
 *
 * @returns The answer and the record of it, which has the explanation and what is to be mended.
 * @example
 * const { answer, record } = await decide({ preIssueAccessToken }, sampleRequest('PRE_ISSUE_ACCESS_TOKEN'))
 */
export async function decide(
  handlers: Handlers,
  request: unknown,
  options: { now?(): number; budgetMs?: number } = {},
): Promise<CallResult & { record: DecisionRecord }> {
  let record: DecisionRecord | undefined
  const log = (written: DecisionRecord) => {
    record = written
  }
  const result = await call(defineExtension(handlers, { caller: { type: 'none' }, log, ...options }), request)
  return { ...result, record: record as DecisionRecord }
}

function merge(sample: unknown, overrides: unknown): unknown {
  if (!isPlain(sample) || !isPlain(overrides)) return structuredClone(overrides)
  const merged: Record<string, unknown> = structuredClone(sample)
  for (const [key, value] of Object.entries(overrides)) {
    if (value === undefined) delete merged[key]
    else merged[key] = merge(merged[key], value)
  }
  return merged
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const tenant = { id: '41', name: 'acme' }
const organization = { id: 'o-41', name: 'Acme', orgHandle: 'acme', depth: 0 }
const userStore = { id: 'UFJJTUFSWQ==', name: 'PRIMARY' }
const requestId = 'rq-1'

const samples: { [T in keyof Events]: ActionRequest<Events[T]> } = {
  PRE_ISSUE_ACCESS_TOKEN: {
    actionType: 'PRE_ISSUE_ACCESS_TOKEN',
    event: {
      request: {
        clientId: 'web1',
        grantType: 'authorization_code',
        scopes: ['openid', 'cart.read', 'orders.write'],
        additionalHeaders: [{ name: 'x-client-source-ip', value: ['8.8.8.8'] }],
      },
      tenant,
      organization,
      user: { id: 'u-9', organization },
      userStore,
      accessToken: {
        tokenType: 'JWT',
        scopes: ['cart.read', 'openid', 'orders.write'],
        claims: [
          { name: 'iss', value: 'https://idp.test/t/acme/oauth2/token' },
          { name: 'client_id', value: 'web1' },
          { name: 'aut', value: 'APPLICATION_USER' },
          { name: 'expires_in', value: 3600 },
          { name: 'aud', value: ['web1', 'https://api.shop.test'] },
          { name: 'sub', value: 'u-9' },
          { name: 'given_name', value: 'Mira' },
          { name: 'age', value: 41 },
          { name: 'groups', value: ['staff', 'eu'] },
        ],
      },
      refreshToken: { claims: [{ name: 'expires_in', value: 7200 }] },
      session: { sessionDataKeyConsent: 'k-1' },
      response: { parameters: ['access_token', 'token_type', 'scope', 'expires_in', 'refresh_token', 'id_token'] },
    },
    allowedOperations: [
      {
        op: 'add',
        paths: ['/accessToken/claims/', '/accessToken/scopes/', '/accessToken/claims/aud/', '/response/parameters/'],
      },
      {
        op: 'remove',
        paths: [
          '/accessToken/claims/given_name',
          '/accessToken/claims/age',
          '/accessToken/claims/groups/',
          '/accessToken/scopes/',
          '/accessToken/claims/aud/',
          '/response/parameters/refresh_token',
          '/response/parameters/id_token',
        ],
      },
      {
        op: 'replace',
        paths: [
          '/accessToken/claims/given_name',
          '/accessToken/claims/age',
          '/accessToken/claims/groups/',
          '/accessToken/scopes/',
          '/accessToken/claims/aud/',
          '/accessToken/claims/expires_in',
          '/refreshToken/claims/expires_in',
        ],
      },
    ],
    requestId,
  },
  PRE_ISSUE_ID_TOKEN: {
    actionType: 'PRE_ISSUE_ID_TOKEN',
    event: {
      request: { clientId: 'web1', grantType: 'authorization_code', scopes: ['openid', 'profile'] },
      tenant,
      organization,
      user: { id: 'u-9', userType: 'LOCAL', organization },
      userStore,
      idToken: {
        claims: [
          { name: 'jti', value: 'j-1' },
          { name: 'iss', value: 'https://idp.test/t/acme/oauth2/token' },
          { name: 'azp', value: 'web1' },
          { name: 'amr', value: ['pwd'] },
          { name: 'at_hash', value: 'h' },
          { name: 'sub', value: 'u-9' },
          { name: 'given_name', value: 'Mira' },
          { name: 'groups', value: ['staff', 'eu'] },
          { name: 'aud', value: ['web1', 'https://api.shop.test', 'https://api.bank.test'] },
          { name: 'expires_in', value: 3600 },
        ],
      },
    },
    allowedOperations: [
      { op: 'add', paths: ['/idToken/claims/', '/idToken/claims/aud/'] },
      { op: 'remove', paths: ['/idToken/claims/given_name', '/idToken/claims/groups/', '/idToken/claims/aud/'] },
      {
        op: 'replace',
        paths: [
          '/idToken/claims/given_name',
          '/idToken/claims/groups/',
          '/idToken/claims/aud/',
          '/idToken/claims/expires_in',
        ],
      },
    ],
    requestId,
  },
  PRE_UPDATE_PASSWORD: {
    actionType: 'PRE_UPDATE_PASSWORD',
    event: {
      initiatorType: 'USER',
      action: 'UPDATE',
      tenant,
      organization,
      user: {
        id: 'u-9',
        organization,
        claims: [{ uri: 'http://wso2.org/claims/username', value: 'mira' }],
        updatingCredential: { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'correct horse battery staple' },
      },
      userStore,
    },
    requestId,
  },
  PRE_UPDATE_PROFILE: {
    actionType: 'PRE_UPDATE_PROFILE',
    event: {
      initiatorType: 'USER',
      action: 'UPDATE',
      request: { claims: [{ uri: 'http://wso2.org/claims/country', value: 'LK' }] },
      tenant,
      organization,
      user: {
        id: 'u-9',
        organization,
        claims: [{ uri: 'http://wso2.org/claims/country', value: 'DE', updatingValue: 'LK' }],
      },
      userStore,
    },
    requestId,
  },
  AUTHENTICATION: {
    actionType: 'AUTHENTICATION',
    flowId: 'flow-1',
    event: {
      tenant,
      organization,
      application: { id: 'app-1', name: 'Shop' },
      currentStepIndex: 1,
    },
    allowedOperations: [{ op: 'redirect' }],
    requestId,
  },
}
