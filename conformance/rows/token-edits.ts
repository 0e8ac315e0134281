import assert from 'node:assert/strict'
import type { Operation } from '@preflow/contract'
import type { JWTPayload } from 'jose'
import type { Issued } from '../requests.ts'
import { type Check, type Different, differs, type Row, type RowId, row } from '../row.ts'
import { type Stage, USER_SCOPES } from '../stage.ts'
import { AT, IDT, issued, MACHINE_FORM } from './tokens.ts'

/** The verdict on an operation that was not offered. */
export const FILTERED = 'filtered'

/** The results of operations. By default they are those of the fixture. */
export interface Expected {
  /** The reason of each verdict, in the order of the operations. */
  log: string[]
  /** Scopes of the token, in the order of the platform, and scopes of the response. */
  scopes?: string[]
  aud?: string[]
  /** User attributes and custom claims; `undefined`: not in the token. */
  claims?: Record<string, unknown>
  lifetimeSeconds?: number
}

/** A fixture of section 2.9: how to get its tokens, and their content without changes. */
export interface Fixture {
  type: typeof AT | typeof IDT
  issue(stage: Stage): Promise<Issued>
  unchanged: Required<Omit<Expected, 'log'>>
}

const USER_CLAIMS = { given_name: 'Mira', groups: ['staff', 'eu'] }

/** Code grant, access token. */
export const user: Fixture = {
  type: AT,
  issue: stage => stage.redeem(stage.web, USER_SCOPES),
  unchanged: {
    scopes: ['cart.read', 'openid', 'orders.write'],
    aud: ['web1', 'https://api.shop.test'],
    claims: USER_CLAIMS,
    lifetimeSeconds: 1800,
  },
}

/** Client credentials. */
export const machine: Fixture = {
  type: AT,
  issue: stage => stage.token(stage.machine, MACHINE_FORM),
  unchanged: { scopes: [], aud: ['m2m-7'], claims: {}, lifetimeSeconds: 3600 },
}

/** Code grant, ID token. */
export const idToken: Fixture = {
  type: IDT,
  async issue(stage) {
    await stage.configure(IDT)
    return stage.redeem(stage.web, 'openid profile groups')
  },
  unchanged: { scopes: [], aud: ['web1'], claims: USER_CLAIMS, lifetimeSeconds: 3600 },
}

/** The extension of the fixture's action answers with these operations. Checks verdicts and token. */
export function leadsTo(fixture: Fixture, operations: Operation[], expected: Expected): Check {
  return async stage => {
    const extension = stage.extension(fixture.type)
    extension.succeed(...operations)
    const answer = issued(await fixture.issue(stage))
    await assertVerdicts(stage, answer, expected.log, fixture.type)
    assertToken(answer, fixture, expected)
  }
}

export function userEdit(
  id: RowId,
  title: string,
  operations: Operation[],
  expected: Expected,
  preflow: 'same' | Different = 'same',
): Row {
  return row(id, title, leadsTo(user, operations, expected), preflow)
}

export function machineEdit(id: RowId, title: string, operations: Operation[], expected: Expected): Row {
  return row(id, title, leadsTo(machine, operations, expected))
}

export function idTokenEdit(id: RowId, title: string, operations: Operation[], expected: Expected): Row {
  return row(id, title, leadsTo(idToken, operations, expected))
}

/** On `preflow` the operations have a different result for F-USER. */
export function userDiffers(reason: string, operations: Operation[], expected: Expected): Different {
  return differs(reason, leadsTo(user, operations, expected))
}

/** The recorded reason for each operation. */
export async function assertVerdicts(
  stage: Stage,
  answer: Issued,
  log: readonly string[],
  type: typeof AT | typeof IDT = AT,
): Promise<void> {
  const record = (await stage.callsBehind(answer)).find(({ actionType }) => actionType === type)
  const verdicts: { verdict: string; reason: string }[] = record?.details.operations
  assert.deepEqual(
    verdicts.map(({ verdict, reason }) => (verdict === 'not_allowed' ? FILTERED : reason)),
    log,
  )
}

/** What every token has besides attributes and custom claims. */
const ACCESS_TOKEN_MEMBERS = 'iss sub aut aud client_id azp scope iat nbf exp jti org_id org_name org_handle'.split(' ')
const ID_TOKEN_MEMBERS =
  'jti iss azp auth_time nonce acr amr sid at_hash c_hash s_hash org_id org_name org_handle sub aud iat exp'.split(' ')

/** Compares the whole token with the fixture's, with the expected changes. */
export function assertToken(
  { accessToken, body, idToken: id }: Issued,
  { type, unchanged }: Fixture,
  expected: Omit<Expected, 'log'>,
): void {
  const token: JWTPayload | undefined = type === AT ? accessToken : id
  assert(token, 'no token was issued')
  const members = type === AT ? ACCESS_TOKEN_MEMBERS : ID_TOKEN_MEMBERS
  const scopes = expected.scopes ?? unchanged.scopes
  const claims = { ...unchanged.claims, ...expected.claims }
  assert.deepEqual(
    {
      aud: token.aud === undefined ? [] : [token.aud].flat(),
      claims: Object.fromEntries(Object.entries(token).filter(([name]) => !members.includes(name))),
      lifetimeSeconds: (token.exp ?? 0) - (token.iat ?? 0),
      ...(type === AT ? { scope: token['scope'], 'scope of the response': body.scope } : {}),
    },
    {
      aud: expected.aud ?? unchanged.aud,
      claims: Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)),
      lifetimeSeconds: expected.lifetimeSeconds ?? unchanged.lifetimeSeconds,
      ...(type === AT ? { scope: joined(scopes), 'scope of the response': joined(scopes) } : {}),
    },
  )
}

function joined(scopes: readonly string[]): string | undefined {
  return scopes.length === 0 ? undefined : scopes.toSorted().join(' ')
}
