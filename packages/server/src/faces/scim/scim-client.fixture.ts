import assert from 'node:assert/strict'
import type { Application } from '../../ground/store/model.ts'

export interface Answered {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  body: any
}

export interface Asking {
  /** A user name, or `Bearer …`. */
  as: string
  /** The path of an organization, `/o/…`. */
  below?: string
  body?: object
  headers?: Record<string, string>
}

/** The password of users who call through {@link callScim}. */
export const PASSWORD = 'a long enough password'

/** Sends a request to the SCIM API of a tenant. */
export async function callScim(
  { base }: { base: string },
  method: string,
  path: string,
  { as, below = '', body, headers = {} }: Asking,
): Promise<Answered> {
  const isToken = as.startsWith('Bearer ')
  const response = await fetch(`${base}${below}/scim2${path}`, {
    method,
    headers: {
      authorization: isToken ? as : `Basic ${Buffer.from(`${as}:${PASSWORD}`).toString('base64')}`,
      ...(body ? { 'content-type': 'application/scim+json' } : {}),
      ...headers,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

/** Creates an application and returns its token with these scopes. */
export async function tokenFor(
  world: {
    addApplication(own: object, scopes: string[]): Promise<Application>
    token(application: Application, form: Record<string, string>): Promise<{ body: { access_token: string } }>
  },
  ...scopes: string[]
): Promise<string> {
  const application = await world.addApplication({}, scopes)
  const { body } = await world.token(application, { grant_type: 'client_credentials', scope: scopes.join(' ') })
  return `Bearer ${body.access_token}`
}

export function patchOf(...Operations: object[]): object {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations }
}

export function assertFault({ body, status }: Answered, expected: number, scimType?: string): void {
  assert.deepEqual([status, body.scimType], [expected, scimType], JSON.stringify(body))
  assert.deepEqual(body.schemas, ['urn:ietf:params:scim:api:messages:2.0:Error'])
}
