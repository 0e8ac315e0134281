/** The API of actions as rows use it, and the request bodies. */
import assert from 'node:assert/strict'
import type { Json } from '../extension-under-test.ts'
import type { Answered } from '../requests.ts'
import type { Check } from '../row.ts'
import type { Stage } from '../stage.ts'
import { assertRefused } from './engine-under-test.ts'
import { AT } from './tokens.ts'

export const API = '/api/server/v1'
export const ACCESS_TOKEN = 'preIssueAccessToken'
export const ID_TOKEN = 'preIssueIdToken'
export const PASSWORD = 'preUpdatePassword'
export const PROFILE = 'preUpdateProfile'
export const PASSWORD_SHARING = { passwordSharing: { format: 'PLAIN_TEXT' } }

export const BASIC = { type: 'BASIC', properties: { username: 'gate', password: 'extremely-secret' } }
export const BEARER = { type: 'BEARER', properties: { accessToken: 'extremely-secret' } }
export const CLIENT = {
  type: 'CLIENT_CREDENTIAL',
  properties: {
    clientId: 'preflow',
    clientSecret: 'extremely-secret',
    tokenEndpoint: 'https://id.example/token',
    scopes: 'guard',
  },
}
export const PERSON = {
  type: 'PASSWORD_CREDENTIAL',
  properties: { ...CLIENT.properties, username: 'robot', password: 'extremely-secret' },
}
type Authentication = typeof BASIC | typeof CLIENT | typeof PERSON

/** The properties that the type requires. */
export const REQUIRED_OF_CLIENT = ['clientId', 'clientSecret', 'tokenEndpoint']
export const REQUIRED_OF_PERSON = [...REQUIRED_OF_CLIENT, 'username', 'password']

export const UNABLE = 'Unable to perform the operation.'
export const UNKNOWN_ID = '8d2f0c4e-7a1b-4c57-9a41-0d6e5b0f7c33'

/** The body of an action, with these members and endpoint members instead of the usual ones. */
export function action(members: object = {}, endpoint: object = {}): object {
  return {
    name: 'Guard',
    endpoint: { uri: 'https://guard.example/call', authentication: BASIC, ...endpoint },
    ...members,
  }
}

export const withAuthentication = (authentication: object) => action({}, { authentication })

export function without({ properties, type }: Authentication, name: string): object {
  return { type, properties: Object.fromEntries(Object.entries(properties).filter(([key]) => key !== name)) }
}

export function withEmpty({ properties, type }: Authentication, name: string): object {
  return { type, properties: { ...properties, [name]: '' } }
}

/** The actions API of the stage's tenant, initially without an action. What a row leaves behind is deleted. */
interface Api {
  stage: Stage
  /** Below `/actions`. */
  call(method: string, path: string, body?: unknown): Promise<Answered>
  /** Creates an action. The request must succeed. */
  create(type: string, body?: object): Promise<Json>
  patch(created: Json, body: object): Promise<Answered>
  get(created: Json): Promise<Json>
}

const paths: Record<string, string> = {
  PRE_ISSUE_ACCESS_TOKEN: ACCESS_TOKEN,
  PRE_ISSUE_ID_TOKEN: ID_TOKEN,
  PRE_UPDATE_PASSWORD: PASSWORD,
  PRE_UPDATE_PROFILE: PROFILE,
}

export function managing(use: (api: Api) => Promise<void>): Check {
  return async stage => {
    const call: Api['call'] = (method, path, body) => stage.call(method, `${API}/actions${path}`, body)
    const pathOf = ({ id, type }: Json) => `/${paths[type]}/${id}`
    await stage.remove(AT)
    try {
      await use({
        stage,
        call,
        async create(type, body = action(type === PASSWORD ? PASSWORD_SHARING : {})) {
          const created = await call('POST', `/${type}`, body)
          assert.equal(created.status, 201, JSON.stringify(created.body))
          return created.body
        },
        patch: (created, body) => call('PATCH', pathOf(created), body),
        async get(created) {
          const { body, status } = await call('GET', pathOf(created))
          assert.equal(status, 200, JSON.stringify(body))
          return body
        },
      })
    } finally {
      for (const type of Object.values(paths)) {
        for (const left of (await call('GET', `/${type}`)).body) await call('DELETE', pathOf(left))
      }
    }
  }
}

/** Every body is rejected with the same message. */
export function refusedOnCreate(type: string, bodies: object[], ...refusal: [number, string, string, string?]): Check {
  return managing(async ({ call }) => {
    for (const body of bodies) assertRefused(await call('POST', `/${type}`, body), ...refusal)
    assert.deepEqual((await call('GET', `/${type}`)).body, [])
  })
}

export const missing = (bodies: object[]) =>
  refusedOnCreate(
    ACCESS_TOKEN,
    bodies,
    400,
    'ACTION-60010',
    'Required authentication properties are not provided or invalid.',
    UNABLE,
  )
export const empty = (bodies: object[]) =>
  refusedOnCreate(ACCESS_TOKEN, bodies, 400, 'ACTION-60011', 'Authentication property values cannot be empty.', UNABLE)

/** Runs both checks in sequence. */
export function both(...checks: Check[]): Check {
  return async stage => {
    for (const check of checks) await check(stage)
  }
}

/** No response contains a part of a secret. */
export function assertNoSecret(...answers: Json[]): void {
  assert(!JSON.stringify(answers).includes('extremely-secret'), 'a secret is shown')
}

export const attributes = [
  'givenname',
  'lastname',
  'emailaddress',
  'mobile',
  'country',
  'department',
  'title',
  'nickname',
  'dob',
  'gender',
  'region',
].map(name => `http://wso2.org/claims/${name}`)
