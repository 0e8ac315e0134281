import assert from 'node:assert/strict'
import { describe, suite, test } from 'node:test'
import {
  type ActionType,
  actionTypes,
  type Operation,
  type Platform,
  platforms,
  present,
  type TokenClaim,
} from '@preflow/contract'
import fc from 'fast-check'
import { type Applied, applyOperations } from './apply-operations.ts'
import type { Result } from './call-error.ts'
import { clientCredentialsEvent, idTokenEvent, userEvent } from './calls.fixture.ts'
import { valueAt, withValueAt } from './event-path.ts'
import { allowedOperationsFor } from './offer.ts'

const next = platforms['wso2-is-next']
const { preflow } = platforms

const fixtures = {
  USER: { type: 'PRE_ISSUE_ACCESS_TOKEN', event: userEvent },
  CC: { type: 'PRE_ISSUE_ACCESS_TOKEN', event: clientCredentialsEvent },
  ID: { type: 'PRE_ISSUE_ID_TOKEN', event: idTokenEvent },
  /** A refresh after every audience was removed. */
  EMPTY_AUD: {
    type: 'PRE_ISSUE_ACCESS_TOKEN',
    event: withClaim(userEvent, '/accessToken/claims/', { name: 'aud', value: [] }),
  },
  /** A user claim that looks like the audience. */
  AUDIT: {
    type: 'PRE_ISSUE_ACCESS_TOKEN',
    event: withClaim(userEvent, '/accessToken/claims/', { name: 'audit_id', value: 'x1' }),
  },
} as const satisfies Record<string, { type: ActionType; event: object }>

function withClaim<Event extends object>(event: Event, path: string, claim: TokenClaim): Event {
  const claims = valueAt(event, path) as TokenClaim[]
  return withValueAt(event, path, [...claims.filter(({ name }) => name !== claim.name), claim])
}

const shorts: Record<string, string> = {
  'S/': '/accessToken/scopes/',
  'A/': '/accessToken/claims/aud/',
  'C/': '/accessToken/claims/',
  'R/exp': '/refreshToken/claims/expires_in',
  'P/': '/response/parameters/',
  'I/': '/idToken/claims/',
}
const ops: Record<string, Operation['op']> = { '+': 'add', '-': 'remove', '~': 'replace' }

/**
 * `+S/-=x` in the notation of the specification: `+` add, `-` remove, `~` replace. The value is a separate argument.
 */
function op(text: string, ...value: unknown[]): Operation {
  const short = Object.keys(shorts).find(candidate => text.slice(1).startsWith(candidate)) ?? ''
  return {
    op: ops[text[0] as string] as Operation['op'],
    path: `${shorts[short] ?? ''}${text.slice(1 + short.length)}`,
    ...(value.length > 0 ? { value: value[0] } : {}),
  }
}

function apply(fixture: keyof typeof fixtures, operations: Operation[], platform: Platform): Result<Applied> {
  const { type, event } = fixtures[fixture]
  const allowed = allowedOperationsFor(type, event, platform) ?? []
  return applyOperations(operations, allowed, event, actionTypes[type], platform)
}

const FILTERED = /^Not among the allowed operations/
/** On platforms that fail at the operation the whole flow fails. */
const BREAKS = Symbol('breaks')

interface Row {
  row: string
  fixture: keyof typeof fixtures
  operations: Operation[]
  /** The reason of each verdict, on the reference and on Preflow if they differ. */
  reasons: (string | RegExp)[] | { next: (string | RegExp)[] | typeof BREAKS; preflow: (string | RegExp)[] }
  /** The resulting value at a path: scopes or a claim's value. */
  after?: Record<string, unknown>
  preflowAfter?: Record<string, unknown>
}

/** Reads `S` (scopes), `aud`, a claim's name, or `R/exp`. */
function read(event: object, what: string): unknown {
  if (what === 'S') return valueAt(event, '/accessToken/scopes')
  const [path, name] = what === 'R/exp' ? ['/refreshToken/claims', 'expires_in'] : [claimsPath(event), what]
  return (valueAt(event, path as string) as TokenClaim[]).find(claim => claim.name === name)?.value
}

function claimsPath(event: object): string {
  return valueAt(event, '/idToken') ? '/idToken/claims' : '/accessToken/claims'
}

const scopes = ['cart.read', 'openid', 'orders.write']
const user = (
  row: string,
  operations: Operation[],
  reasons: Row['reasons'],
  after: Record<string, unknown>,
  preflowAfter?: Record<string, unknown>,
): Row => ({
  row,
  fixture: 'USER',
  operations,
  reasons,
  after,
  ...present({ preflowAfter }),
})
const cc = (...rest: Parameters<typeof user>): Row => ({ ...user(...rest), fixture: 'CC' })
const id = (...rest: Parameters<typeof user>): Row => ({ ...user(...rest), fixture: 'ID' })
const claim = (name: unknown, value: unknown) => ({ name, value })
const VALUE_MISSING = { next: BREAKS, preflow: ['Value is missing.'] } as const satisfies Row['reasons']

/** The number of the same behaviour in the engine's table. */
const engineRows: Record<string, string> = {
  T67: 'E93',
  T76: 'E101',
  T78: 'E102',
  T92: 'E92',
  T94: 'E94',
  T95: 'E95',
  T101: 'E103',
  T103: 'E104',
  T104: 'E104',
  T105: 'E104',
  T115: 'E97',
  T116: 'E96',
  T166: 'E105',
  T183: 'E98',
  T184: 'E99',
  T187: 'E100',
}

function title(row: string, operations: Operation[]): string {
  const other = engineRows[row.split(' ')[0] ?? '']
  return `${other ? `${other} ` : ''}${row}: ${operations.map(({ op, path }) => `${op} ${path}`).join(', ')}`
}

const rows: Row[] = [
  // --- scopes
  user('T67', [op('+S/-', 'billing.read')], ['Scope added.'], { S: [...scopes, 'billing.read'] }),
  user('T68', [op('+S/-', 'a'), op('+S/-', 'b'), op('+S/-', 'c')], ['Scope added.', 'Scope added.', 'Scope added.'], {
    S: [...scopes, 'a', 'b', 'c'],
  }),
  user('T69', [op('+S/0', 'z')], ['Scope added.'], { S: [...scopes, 'z'] }),
  user('T70', [op('+S/3', 'z')], ['Invalid index.'], { S: scopes }),
  user('T71', [op('+S/-', 'x'), op('+S/3', 'z')], ['Scope added.', 'Scope added.'], { S: [...scopes, 'x', 'z'] }),
  user('T72', [op('+S/-', 'cart.read')], ['Scope exists or is invalid.'], { S: scopes }),
  ...['read write', 'caf\u00e9', '', 'a\\b'].map(bad =>
    user(`T73 ${JSON.stringify(bad)}`, [op('+S/-', bad)], ['Scope exists or is invalid.'], { S: scopes }),
  ),
  user('T74', [op('+S/', 'x')], ['Invalid index.'], { S: scopes }),
  user(
    'T75',
    [op('+S/-', 7)],
    { next: ['Scope added.'], preflow: ['Scope must be a string.'] },
    { S: [...scopes, '7'] },
    { S: scopes },
  ),
  user('T76', [op('-S/-')], ['Scope removed.'], { S: ['cart.read', 'openid'] }),
  user('T77', [op('-S/1')], ['Scope removed.'], { S: ['cart.read', 'orders.write'] }),
  user('T78', [op('-S/2'), op('-S/1')], ['Scope removed.', 'Scope removed.'], { S: ['cart.read'] }),
  user('T79', [op('-S/0'), op('-S/1')], ['Scope removed.', 'Scope removed.'], { S: ['orders.write'] }),
  user('T80', [op('-S/0'), op('-S/0')], ['Scope removed.', 'Failed to remove scope.'], {
    S: ['openid', 'orders.write'],
  }),
  user('T81', [op('-S/-', ['x', 'y'])], ['Scope removed.'], { S: ['cart.read', 'openid'] }),
  user('T82', [op('-S/9'), op('-S/-1')], ['Invalid index.', 'Invalid index.'], { S: scopes }),
  user('T83', [op('~S/1', 'profile')], ['Scope replaced.'], { S: ['cart.read', 'orders.write', 'profile'] }),
  user('T84', [op('~S/0', 'openid')], ['Scope already exists.'], { S: scopes }),
  user('T85', [op('~S/-', 'x'), op('-S/-')], ['Scope replaced.', 'Failed to remove scope.'], {
    S: ['cart.read', 'openid', 'x'],
  }),
  user('T86', [op('+S/-', 'n1'), op('~S/0', 'n1')], ['Scope added.', 'Scope replaced.'], {
    S: ['openid', 'orders.write', 'n1', 'n1'],
  }),
  cc('T87', [op('-S/0')], ['No scopes to remove.'], { S: undefined }),
  cc('T88', [op('~S/-', 'x')], ['No scopes.'], { S: undefined }),
  cc('T89', [op('+S/-', 'jobs.run')], ['Scope added.'], { S: ['jobs.run'] }),
  cc('T90', [op('+S/0', 'jobs.run')], ['Invalid index.'], { S: undefined }),
  user('T91', [op('-S/0'), op('-S/1'), op('-S/2')], Array(3).fill('Scope removed.'), { S: [] }),
  ...['scope', 'SCOPE'].map((name, i) =>
    user(
      `T${92 + i}`,
      [op('+C/-', claim(name, ['a', 'b']))],
      ['The operation path is invalid for the scope. Please use the path /accessToken/scopes/'],
      { S: scopes, [name]: undefined },
    ),
  ),
  user('4.1 a scope without a value', [op('+S/-')], VALUE_MISSING, { S: scopes }),
  user('4.2 a scope replaced by an invalid string', [op('~S/0', 'a b')], ['Invalid scope.'], { S: scopes }),
  user('4.1 an index with a sign', [op('-S/+1')], ['Scope removed.'], { S: ['cart.read', 'orders.write'] }),

  // --- audience
  user('T94', [op('+A/-', 'https://crm.test/v1')], ['Audience added.'], {
    aud: ['web1', 'https://api.shop.test', 'https://crm.test/v1'],
  }),
  user('T95', [op('+A/-', ['a.test', 'b.test'])], ['Audience is invalid.'], { aud: ['web1', 'https://api.shop.test'] }),
  user('T96', [op('+A/-', 'web1')], ['Audience already exists.'], { aud: ['web1', 'https://api.shop.test'] }),
  ...['my_api', 'urn:x:y', 'two words', 'https://a'].map((bad, i) =>
    user(`T${97 + Math.min(i, 2)} ${bad}`, [op('+A/-', bad)], ['Audience is invalid.'], {
      aud: ['web1', 'https://api.shop.test'],
    }),
  ),
  cc('T100', [op('-A/0')], ['Audience removed.'], { aud: [] }),
  user('T101', [op('-A/')], ['Invalid index.'], { aud: ['web1', 'https://api.shop.test'] }),
  user('T102', [op('-A/0'), op('-A/0')], ['Audience removed.', 'Audience not found.'], {
    aud: ['https://api.shop.test'],
  }),
  cc('T103', [op('~A/0', 'svc123')], ['Audience replaced.'], { aud: ['svc123'] }),
  cc('T104', [op('~A/-', 'svc123')], ['Audience replaced.'], { aud: ['svc123'] }),
  cc('T105', [op('~A/', 'svc123')], ['Invalid index.'], { aud: ['m2m-7'] }),
  cc(
    'T106',
    [op('+A/-', 'p.test'), op('+A/-', 'q.test'), op('~A/-', 'r.test'), op('-A/-')],
    ['Audience added.', 'Audience added.', 'Audience replaced.', 'Audience not found.'],
    { aud: ['p.test', 'q.test', 'r.test'] },
  ),
  user('T107', [op('~A/0', 'https://api.shop.test')], ['Audience to replace already exists.'], {
    aud: ['web1', 'https://api.shop.test'],
  }),
  {
    row: 'T108',
    fixture: 'EMPTY_AUD',
    operations: [op('+A/-', 'p.test')],
    reasons: ['Audience added.'],
    after: { aud: ['p.test'] },
  },
  {
    row: 'T109',
    fixture: 'EMPTY_AUD',
    operations: [op('-A/-')],
    reasons: { next: BREAKS, preflow: ['Invalid index.'] },
    after: { aud: [] },
  },
  {
    row: 'T109 replace',
    fixture: 'EMPTY_AUD',
    operations: [op('~A/-', 'p.test')],
    reasons: { next: BREAKS, preflow: ['Invalid index.'] },
    after: { aud: [] },
  },
  user('4.3 an audience that is not a URI', [op('~A/0', 'a b')], ['Invalid Audience. Must be a valid string or URI.'], {
    aud: ['web1', 'https://api.shop.test'],
  }),
  {
    row: '4.3 a claim whose name starts with aud',
    fixture: 'AUDIT',
    operations: [op('~C/audit_id', 'x2')],
    reasons: { next: ['Invalid index.'], preflow: ['Claim replaced.'] },
    after: { audit_id: 'x1' },
    preflowAfter: { audit_id: 'x2' },
  },

  // --- claims
  user('T110', [op('+C/-', claim('tier', 'gold'))], ['Claim added.'], { tier: 'gold' }),
  user('T111', [op('+C/-', claim('quota', 12))], ['Claim added.'], { quota: 12 }),
  user('T112', [op('+C/-', claim('vip', true))], ['Claim added.'], { vip: true }),
  user('T113', [op('+C/-', claim('tags', ['a', 'b']))], ['Claim added.'], { tags: ['a', 'b'] }),
  user('T114', [op('+C/-', claim('tags', []))], ['Claim added.'], { tags: [] }),
  ...[['a', 1], [1, 2], { k: 1 }, null].map(value =>
    user(`T115 ${JSON.stringify(value)}`, [op('+C/-', claim('x', value))], ['Invalid claim value.'], { x: undefined }),
  ),
  user('T116', [op('+C/', claim('vip', true))], ['Invalid index.'], { vip: undefined }),
  user('T117', [op('+C/2', claim('vip', true))], ['Claim added.'], { vip: true }),
  user('T118', [op('+C/99', claim('vip', true))], ['Invalid index.'], { vip: undefined }),
  user(
    '4.4 an index that exists only because of an earlier add',
    [op('+C/-', claim('tier', 'gold')), op('+C/9', claim('vip', true))],
    ['Claim added.', 'Invalid index.'],
    { tier: 'gold', vip: undefined },
  ),
  user('T119', [op('+C/tier', 'gold')], ['Invalid index.'], { tier: undefined }),
  user('T120', [op('+C/-', 'gold')], ['Invalid claim.'], {}),
  user('T121', [op('+C/-', { name: 't', value: 'v', x: 1 })], ['Invalid claim.'], { t: undefined }),
  user('T122', [op('+C/-', claim('given_name', 'Zoe'))], ['An access token claim already exists.'], {
    given_name: 'Mira',
  }),
  user('T123', [op('+C/-', claim('sub', 'evil'))], ['An access token claim already exists.'], { sub: 'u-9' }),
  user(
    'T124',
    [op('+C/-', claim('iat', 5))],
    {
      next: ['Claim added.'],
      preflow: ["The claim 'iat' is written by the platform and cannot be added."],
    },
    { iat: undefined },
  ),
  user(
    'T125',
    [op('+C/-', claim('exp', 1))],
    {
      next: ['Claim added.'],
      preflow: ["The claim 'exp' is written by the platform and cannot be added."],
    },
    { exp: 1 },
    { exp: undefined },
  ),
  user(
    'T126',
    [op('+C/-', claim('tier', 'gold')), op('+C/-', claim('tier', 'silver'))],
    ['Claim added.', 'Claim added.'],
    {
      tier: 'silver',
    },
  ),
  user('T127', [op('+C/-', claim('tier', 'gold')), op('~C/tier', 'silver')], ['Claim added.', FILTERED], {
    tier: 'gold',
  }),
  user('T128', [op('~C/given_name', 'Ann')], ['Claim replaced.'], { given_name: 'Ann' }),
  user('T129', [op('~C/age', '41')], ['Claim replaced.'], { age: '41' }),
  user(
    'T130',
    [op('~C/given_name', { a: 1 })],
    { next: ['Claim replaced.'], preflow: ['Invalid claim value.'] },
    { given_name: { a: 1 } },
    { given_name: 'Mira' },
  ),
  user(
    '4.5 a claim replaced by nothing',
    [op('~C/given_name', null)],
    { next: ['Claim replaced.'], preflow: ['Value is missing.'] },
    { given_name: undefined },
    { given_name: 'Mira' },
  ),
  user('T131', [op('-C/given_name')], ['Claim removed.'], { given_name: undefined }),
  user(
    'T132',
    [op('-C/sub'), op('-C/iss'), op('~C/client_id', 'x'), op('-C/expires_in')],
    [FILTERED, FILTERED, FILTERED, FILTERED],
    { sub: 'u-9', client_id: 'web1', expires_in: 1800 },
  ),
  user('T133', [op('-C/groups/1')], ['Claim value removed.'], { groups: ['staff'] }),
  user('T134', [op('-C/groups/0'), op('-C/groups/1')], ['Claim value removed.', 'Claim value removed.'], {
    groups: [],
  }),
  user('T135', [op('-C/groups/0'), op('-C/groups/0')], ['Claim value removed.', 'Failed to remove claim value.'], {
    groups: ['eu'],
  }),
  user('T136', [op('~C/groups/0', 'ops')], ['Claim value replaced.'], { groups: ['eu', 'ops'] }),
  user('T137', [op('~C/groups/0', 'eu')], ['Claim value already exists.'], { groups: ['staff', 'eu'] }),
  user('T138', [op('~C/groups/0', 7)], ['Claim value replaced.'], { groups: ['eu', '7'] }),
  user('T139', [op('~C/groups/0', { a: 1 })], ['Invalid claim value. Must be a valid string, number or boolean.'], {
    groups: ['staff', 'eu'],
  }),
  user('T140', [op('-C/groups/-')], ['Claim not found.'], { groups: ['staff', 'eu'] }),
  user('T141', [op('-C/groups/')], ['Claim removed.'], { groups: undefined }),
  user('T142', [op('-C/groups/5')], ['Invalid index.'], { groups: ['staff', 'eu'] }),
  user('T143', [op('-C/given_name/0')], [FILTERED], { given_name: 'Mira' }),
  user('T144', [op('+C/groups/-', 'new')], [FILTERED], { groups: ['staff', 'eu'] }),
  user('T145', [op('-C/nothere')], [FILTERED], {}),
  user(
    '4.5 the index -1 of a list claim',
    [op('-C/groups/-1')],
    { next: ['Claim removed.'], preflow: ['Invalid index.'] },
    { groups: undefined },
    { groups: ['staff', 'eu'] },
  ),
  user(
    '4.5 an element of a claim that was removed before',
    [op('-C/groups/'), op('-C/groups/0')],
    { next: BREAKS, preflow: ['Claim removed.', 'Failed to remove claim value.'] },
    { groups: undefined },
  ),
  user('4.5 a claim that is replaced moves to the end', [op('~C/given_name', 'Ann')], ['Claim replaced.'], {}),
  user('4.1 a claim without a value to add', [op('+C/-')], VALUE_MISSING, {}),
  user(
    '4.4 a claim whose name is not a string',
    [op('+C/-', claim(5, 'x'))],
    { next: ['Claim added.'], preflow: ['Invalid claim.'] },
    { '5': 'x' },
    { '5': undefined },
  ),

  // --- ID token
  id(
    'T146',
    [
      op('+I/aud/-', 'p.test'),
      op('+I/aud/-', 'q.test'),
      op('+I/aud/-', 'r.test'),
      op('~I/aud/-', 's.test'),
      op('-I/aud/0'),
    ],
    ['Audience added.', 'Audience added.', 'Audience added.', 'Audience replaced.', 'Audience removed.'],
    { aud: ['p.test', 'q.test', 's.test'] },
  ),
  ...[claim('tier', 'gold'), claim('tier', 7), claim('tier', false), claim('tier', ['a', 'b'])].map(added =>
    id(`T149 ${typeof added.value}`, [op('+I/-', added)], ['Claim added.'], { tier: added.value }),
  ),
  id('T150', [op('+I/', claim('tier', 'gold'))], ['Invalid index.'], { tier: undefined }),
  ...[claim(null, 'x'), claim('x', null)].map(added =>
    id(`T151 ${JSON.stringify(added)}`, [op('+I/-', added)], ['Claim name or value cannot be null.'], { x: undefined }),
  ),
  ...['iss', 'nonce', 'sub'].map(name =>
    id(`T152 ${name}`, [op('+I/-', claim(name, 'x'))], [`Cannot add standard claim '${name}' to ID Token.`], {}),
  ),
  id('T153', [op('+I/-', claim('given_name', 'Zoe'))], ["Claim with name 'given_name' already exists in ID Token."], {
    given_name: 'Mira',
  }),
  ...[['a', 1], { a: 1 }].map(value =>
    id(`T154 ${JSON.stringify(value)}`, [op('+I/-', claim('x', value))], ['Invalid claim value.'], { x: undefined }),
  ),
  id('T155', [op('+I/-', 'plain')], ['Failed to convert the value to Claim object.'], {}),
  id('T156', [op('+I/aud/-1', 'a.test'), op('+I/aud/10', 'a.test')], ['Invalid index.', 'Invalid index.'], {
    aud: ['web1'],
  }),
  id('T157', [op('+I/aud/0', 'https://x.test')], ['Audience added.'], { aud: ['web1', 'https://x.test'] }),
  id('T158', [op('+I/aud/-', 'web1')], ['Audience already exists.'], { aud: ['web1'] }),
  id('T159', [op('~I/given_name', 'Ann')], ['Claim replaced.'], { given_name: 'Ann' }),
  id('T160', [op('~I/nothere', 'x')], [FILTERED], { nothere: undefined }),
  id('T161', [op('-I/groups/0')], ['Claim value removed.'], { groups: ['eu'] }),
  id('T162', [op('~I/groups/0', 'ops')], ['Claim value replaced.'], { groups: ['eu', 'ops'] }),
  id('T163', [op('~I/groups/0', 'eu')], ['Claim value already exists.'], { groups: ['staff', 'eu'] }),
  id('T164', [op('-I/groups/10')], ['Invalid index.'], { groups: ['staff', 'eu'] }),
  id('T165', [op('~I/expires_in', 900)], ['Expiry time updated.'], { expires_in: 900 }),
  id(
    'T166',
    [op('~I/expires_in', 0), op('~I/expires_in', -100), op('~I/expires_in', 'soon')],
    ['Invalid expiry time. Must be positive.', 'Invalid expiry time. Must be positive.', 'Invalid expiry time format.'],
    { expires_in: 3600 },
  ),
  id('T167', [op('~I/aud/0', 'bad uri')], ['Invalid Audience. Must be a valid string or URI.'], { aud: ['web1'] }),
  id(
    '4.8 indices see earlier operations',
    [op('-I/groups/0'), op('-I/groups/0')],
    ['Claim value removed.', 'Claim value removed.'],
    {
      groups: [],
    },
  ),
  id('4.8 a claim of the token itself', [op('~I/azp', 'x')], [FILTERED], { azp: 'web1' }),
  id(
    '4.8 an element after its claim was removed',
    [op('-I/groups/'), op('~I/groups/0', 'x')],
    { next: BREAKS, preflow: ['Claim removed.', 'Failed to replace claim value.'] },
    { groups: undefined },
  ),

  // --- lifetimes
  user('T172', [op('~C/expires_in', 900)], ['Expiry time updated.'], { expires_in: 900 }),
  user('T173', [op('~C/expires_in', '900')], ['Expiry time updated.'], { expires_in: 900 }),
  user('T174', [op('~C/expires_in', '+900')], ['Expiry time updated.'], { expires_in: 900 }),
  ...[' 900', '15m', 900.5, true, '1e3', [900]].map(bad =>
    user(`T175 ${JSON.stringify(bad)}`, [op('~C/expires_in', bad)], ['Invalid expiry time format.'], {
      expires_in: 1800,
    }),
  ),
  ...[0, -1].map(bad =>
    user(`T176 ${bad}`, [op('~C/expires_in', bad)], ['Invalid expiry time. Must be positive.'], { expires_in: 1800 }),
  ),
  user('T177', [op('~C/expires_in/', 2000)], [FILTERED], { expires_in: 1800 }),
  user('T178', [op('~C/expires_in', 900), op('~C/expires_in', 600)], ['Expiry time updated.', 'Expiry time updated.'], {
    expires_in: 600,
  }),
  user('T179', [op('~R/exp', 40000)], ['Expiry time updated.'], { 'R/exp': 40000 }),
  cc('T180', [op('~R/exp', 40000)], [FILTERED], {}),
  user('T181', [op('~R/exp', 0)], ['Invalid expiry time. Must be positive.'], { 'R/exp': 7200 }),
  user(
    '4.6 a lifetime beyond the limit',
    [op('~C/expires_in', 400_000_000)],
    {
      next: ['Expiry time updated.'],
      preflow: ['Invalid expiry time. Must be at most 315360000 seconds.'],
    },
    { expires_in: 400_000_000 },
    { expires_in: 1800 },
  ),
  user('4.6 more than 64 bits', [op('~C/expires_in', '9223372036854775808')], ['Invalid expiry time format.'], {
    expires_in: 1800,
  }),
  user('4.1 a lifetime without a value', [op('~C/expires_in', null)], VALUE_MISSING, { expires_in: 1800 }),
]

for (const platform of [next, preflow]) {
  suite(`operations as ${platform.name} applies them`, () => {
    for (const { row, fixture, operations, reasons, after = {}, preflowAfter } of rows) {
      const isReference = platform === next
      const expected = 'next' in reasons ? (isReference ? reasons.next : reasons.preflow) : reasons
      const values = !isReference && preflowAfter ? preflowAfter : after
      test(title(row, operations), () => {
        const result = apply(fixture, operations, platform)
        if (expected === BREAKS) {
          assert.equal(result.ok, false)
          assert.equal(result.error.code, 'not_supported')
          assert.match(result.error.message, /^WSO2 Identity Server, next breaks at the operation /)
          return
        }
        assert.ok(result.ok)
        assert.ok(Array.isArray(expected))
        const { verdicts, event } = result.value
        assert.equal(verdicts.length, expected.length)
        for (const [i, reason] of expected.entries()) {
          const actual = verdicts[i]?.reason ?? ''
          if (typeof reason === 'string') assert.equal(actual, reason)
          else {
            assert.match(actual, reason)
            assert.equal(verdicts[i]?.verdict, 'not_allowed')
          }
        }
        for (const [what, value] of Object.entries(values)) assert.deepEqual(read(event, what), value, what)
      })
    }
  })
}

/** Rows of response parameters: the operations, and what the client's response then has and lacks. */
const parameterRows: {
  row: string
  operations: Operation[]
  reasons: (string | RegExp)[] | { next: string[]; preflow: string[] }
  added?: { name: string; value: unknown }[]
  removed?: string[]
  preflowAdded?: { name: string; value: unknown }[]
}[] = [
  {
    row: 'T182',
    operations: [op('+P/-', claim('plan', 'pro'))],
    reasons: ['Response parameter added.'],
    added: [{ name: 'plan', value: 'pro' }],
  },
  ...[{ a: { b: 1 } }, [1, 2, 3], [{ x: 1 }, { y: 2 }]].map(value => ({
    row: `T183 ${JSON.stringify(value)}`,
    operations: [op('+P/-', claim('plan', value))],
    reasons: ['Response parameter added.'],
    added: [{ name: 'plan', value }],
  })),
  {
    row: 'T184',
    operations: [op('+P/-', claim('access_token', 'x')), op('+P/-', claim('', 'x')), op('+P/-', claim(null, 'x'))],
    reasons: [
      'A response parameter already exists with the given name.',
      'Response parameter name cannot be empty.',
      'Response parameter name cannot be empty.',
    ],
  },
  {
    row: 'T185',
    operations: [op('+P/-', claim('plan', 'a')), op('+P/-', claim('plan', 'b'))],
    reasons: ['Response parameter added.', 'A response parameter already exists with the given name.'],
    added: [{ name: 'plan', value: 'a' }],
  },
  {
    row: 'T186',
    operations: [op('+P/anything', claim('plan', 1))],
    reasons: ['Response parameter added.'],
    added: [{ name: 'plan', value: 1 }],
  },
  {
    row: 'T187',
    operations: [op('-P/refresh_token')],
    reasons: ['Response parameter removed.'],
    removed: ['refresh_token'],
  },
  { row: 'T188', operations: [op('-P/id_token')], reasons: ['Response parameter removed.'], removed: ['id_token'] },
  { row: 'T189', operations: [op('-P/scope'), op('-P/access_token')], reasons: [FILTERED, FILTERED] },
  {
    row: '4.7 an own parameter called error',
    operations: [op('+P/-', claim('error', 'x'))],
    reasons: {
      next: ['Response parameter added.'],
      preflow: ["The response parameter 'error' is written by the platform and cannot be added."],
    },
    added: [{ name: 'error', value: 'x' }],
    preflowAdded: [],
  },
  {
    row: '4.7 a member that a parameter does not have',
    operations: [op('+P/-', { name: 'a', value: 1, more: 2 })],
    reasons: ['Invalid parameter.'],
  },
]

for (const platform of [next, preflow]) {
  suite(`response parameters as ${platform.name} changes them`, () => {
    for (const { row, operations, reasons, added = [], removed = [], preflowAdded } of parameterRows) {
      test(title(row, operations), () => {
        const result = apply('USER', operations, platform)
        assert.ok(result.ok)
        const expected = 'next' in reasons ? reasons[platform === next ? 'next' : 'preflow'] : reasons
        for (const [i, reason] of expected.entries()) {
          const actual: string = result.value.verdicts[i]?.reason ?? ''
          if (typeof reason === 'string') assert.equal(actual, reason)
          else assert.match(actual, reason)
        }
        const { changes } = result.value
        assert.deepEqual(changes.addedParameters, platform === preflow && preflowAdded ? preflowAdded : added)
        assert.deepEqual(changes.removedParameters, removed)
      })
    }
  })
}

test('T147: the same answer on a refresh starts from the result of the first one', () => {
  const operations = [
    op('+I/aud/-', 'p.test'),
    op('+I/aud/-', 'q.test'),
    op('+I/aud/-', 'r.test'),
    op('~I/aud/-', 's.test'),
    op('-I/aud/0'),
  ]
  const event = withClaim(idTokenEvent, '/idToken/claims/', { name: 'aud', value: ['p.test', 'q.test', 's.test'] })
  const allowed = allowedOperationsFor('PRE_ISSUE_ID_TOKEN', event, next) ?? []
  const result = applyOperations(operations, allowed, event, actionTypes.PRE_ISSUE_ID_TOKEN, next)
  assert.ok(result.ok)
  assert.deepEqual(read(result.value.event, 'aud'), ['q.test', 's.test', 'r.test'])
})

test('T148: both audiences are removed at index 0 of an ID token, whose indices refer to the current list', () => {
  const event = withClaim(idTokenEvent, '/idToken/claims/', { name: 'aud', value: ['web1', 'b'] })
  const allowed = allowedOperationsFor('PRE_ISSUE_ID_TOKEN', event, next) ?? []
  const result = applyOperations([op('-I/aud/0'), op('-I/aud/0')], allowed, event, actionTypes.PRE_ISSUE_ID_TOKEN, next)
  assert.ok(result.ok)
  assert.deepEqual(read(result.value.event, 'aud'), [])
})

test('T168: for a path that no place covers, the verdict names the operation and the path', () => {
  const allowed = [
    { op: 'add' as const, paths: ['/foo/'] },
    { op: 'remove' as const, paths: ['/foo/'] },
    { op: 'replace' as const, paths: ['/foo/'] },
  ]
  const operations = [op('+/foo/-', 1), op('-/foo/x'), op('~/foo/x', 1)]
  const result = applyOperations(operations, allowed, idTokenEvent, actionTypes.PRE_ISSUE_ID_TOKEN, preflow)
  assert.ok(result.ok)
  assert.deepEqual(
    result.value.verdicts.map(({ reason }) => reason),
    [
      'Unsupported path for ADD operation: /foo/-',
      'Unsupported path for REMOVE operation: /foo/x',
      'Unsupported path for REPLACE operation: /foo/x',
    ],
  )
})

test('T224: a valid operation is applied beside one that was not offered', () => {
  const result = apply('USER', [op('-C/sub'), op('+S/-', 'x')], preflow)
  assert.ok(result.ok)
  assert.deepEqual(
    result.value.verdicts.map(({ verdict }) => verdict),
    ['not_allowed', 'applied'],
  )
})

test('an operation without a path breaks the reference and gets a verdict on Preflow', () => {
  const operation = { op: 'add', value: 'x' } as const
  assert.equal(apply('USER', [operation], next).ok, false)
  const result = apply('USER', [operation], preflow)
  assert.ok(result.ok)
  assert.deepEqual(result.value.verdicts, [{ op: 'add', verdict: 'not_allowed', reason: 'The path is missing.' }])
})

test('a claim that is replaced moves to the end of the list', () => {
  const result = apply('USER', [op('~C/given_name', 'Ann')], preflow)
  assert.ok(result.ok)
  assert.equal((result.value.event as typeof userEvent).accessToken.claims.at(-1)?.name, 'given_name')
})

test('a claim whose name has slashes is found by its whole name', () => {
  const event = withClaim(userEvent, '/accessToken/claims/', { name: 'https://shop.test/tier', value: 'gold' })
  const allowed = allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', event, preflow) ?? []
  const operations = [op('~C/https://shop.test/tier', 'silver')]
  const result = applyOperations(operations, allowed, event, actionTypes.PRE_ISSUE_ACCESS_TOKEN, preflow)
  assert.ok(result.ok)
  assert.equal(read(result.value.event, 'https://shop.test/tier'), 'silver')
})

test('on Preflow no operation breaks the call, changes the original event, or changes a claim of the platform', () => {
  const segment = fc.oneof(
    fc.constantFrom(
      '-',
      '0',
      '1',
      '2',
      '-1',
      '+1',
      '',
      'groups',
      'aud',
      'expires_in',
      'given_name',
      'sub',
      'refresh_token',
    ),
    fc.string({ maxLength: 4 }),
  )
  const base = fc.constantFrom(...Object.values(shorts), '/', '/accessToken/claims/groups/')
  const operation = fc.record({
    op: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const, 'redirect' as const),
    path: fc.tuple(base, segment).map(parts => parts.join('')),
    value: fc.oneof(
      fc.jsonValue(),
      fc.record({
        name: fc.oneof(fc.constantFrom('tier', 'sub', 'exp', 'scope'), fc.jsonValue()),
        value: fc.jsonValue(),
      }),
    ),
  })
  const platformsOwn = (event: object) =>
    ['iss', 'client_id', 'aut', 'sub', 'iat', 'exp', 'jti'].map(name => [name, read(event, name)])
  const before = structuredClone(userEvent)
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), operations => {
      const result = apply('USER', operations, preflow)
      assert.ok(result.ok)
      assert.equal(result.value.verdicts.length, operations.length)
      assert.deepEqual(platformsOwn(result.value.event), platformsOwn(before))
    }),
    { numRuns: 500 },
  )
  assert.deepEqual(userEvent, before)
})

/** Places, segments and values for random operations, with names of the platform among them. */
function randomOperations(): fc.Arbitrary<Operation[]> {
  const scope = fc.constantFrom(
    'internal_login',
    'Internal_user_mgt_list',
    'INTERNAL_ORG_x',
    'SYSTEM',
    'system',
    'console:x',
    'cart.read',
    'billing.read',
  )
  const name = fc.constantFrom(
    ...['sub', 'iss', 'aut', 'client_id', 'azp', 'act', 'cnf', 'org_id', 'org_name', 'org_x', 'sid', 'jti', 'iat'],
    ...['nbf', 'exp', 'amr', 'acr', 'auth_time', 'scp', 'may_act', '__proto__', 'constructor', 'tier', 'given_name'],
  )
  const value = fc.oneof(
    scope,
    fc.jsonValue(),
    fc.record({ name, value: fc.oneof(scope, fc.integer(), fc.jsonValue()) }),
  )
  const segment = fc.oneof(fc.constantFrom('-', '0', '1', '2', '', '-1'), name)
  return fc.array(
    fc.record({
      op: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
      path: fc.tuple(fc.constantFrom(...Object.values(shorts)), segment).map(parts => parts.join('')),
      value,
    }),
    { maxLength: 8 },
  )
}

const IS_OF_PLATFORM =
  /^(sub|iss|aut|client_id|azp|act|may_act|cnf|org_.*|sid|jti|iat|nbf|exp|amr|acr|auth_time|scp|__proto__|constructor)$/

/** What every server passes. */
const PROTECTED = { protectsPlatform: true }

/** Scopes of the server, and claims that servers use for decisions. */
function ofPlatform(event: object): { scopes: string[]; claims: TokenClaim[] } {
  const granted = (valueAt(event, '/accessToken/scopes') ?? []) as string[]
  const claims = valueAt(event, claimsPath(event)) as TokenClaim[]
  return {
    scopes: granted.filter(scope => /^(internal|console:|system$)/i.test(scope)),
    claims: claims.filter(({ name }) => IS_OF_PLATFORM.test(name)),
  }
}

for (const fixture of ['USER', 'CC', 'ID'] as const) {
  test(`AZ-73: no operations on ${fixture} add a scope of the server or a claim that servers use for decisions`, () => {
    const { type, event: plain } = fixtures[fixture]
    const event =
      fixture === 'ID' ? plain : withValueAt(plain, '/accessToken/scopes', [...scopes, 'internal_login', 'SYSTEM'])
    const before = ofPlatform(event)
    fc.assert(
      fc.property(randomOperations(), fc.constantFrom(...Object.values(platforms)), (operations, platform) => {
        const allowed = allowedOperationsFor(type, event, platform) ?? []
        const result = applyOperations(operations, allowed, event, actionTypes[type], platform, PROTECTED)
        // Platforms of the reference may fail at an operation. Then no token is issued.
        if (!result.ok) return
        const after = ofPlatform(result.value.event)
        assert.deepEqual(after.claims, before.claims)
        for (const scope of after.scopes) assert(before.scopes.includes(scope), scope)
      }),
      { numRuns: 2000 },
    )
  })
}

for (const platform of Object.values(platforms)) {
  test(`AZ-18: on ${platform.name} scopes of the server can neither be added nor be a replacement, and the others can`, () => {
    const mine = ['internal_x', 'Internal_x', 'internal_org_x', 'SYSTEM', 'System', 'console:x']
    const operations = [...mine.flatMap(scope => [op('+S/-', scope), op('~S/0', scope)]), op('+S/-', 'billing.read')]
    const { event } = fixtures.USER
    const allowed = allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', event, platform) ?? []
    const result = applyOperations(operations, allowed, event, actionTypes.PRE_ISSUE_ACCESS_TOKEN, platform, PROTECTED)
    assert.ok(result.ok)
    assert.deepEqual(read(result.value.event, 'S'), [...scopes, 'billing.read'])
    for (const { verdict, reason } of result.value.verdicts.slice(0, -1)) {
      assert.equal(verdict, 'rejected')
      assert.match(reason, /belongs to the platform/)
      assert.equal(reason.includes('would add it'), platform.name !== 'preflow')
    }
  })
}

test('a scope of the server may be removed', () => {
  const event = withValueAt(userEvent, '/accessToken/scopes', ['internal_login', 'openid'])
  const allowed = allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', event, preflow) ?? []
  const result = applyOperations([op('-S/0')], allowed, event, actionTypes.PRE_ISSUE_ACCESS_TOKEN, preflow)
  assert.ok(result.ok)
  assert.deepEqual(read(result.value.event, 'S'), ['openid'])
})

test('AZ-50: a claim whose name is a member of every object gets a verdict', () => {
  for (const platform of [preflow, next]) {
    const names = ['constructor', '__proto__', 'prototype', 'toString']
    const result = apply(
      'USER',
      names.map(name => op('+C/-', claim(name, 'x'))),
      platform,
    )
    assert.ok(result.ok)
    assert.deepEqual(
      result.value.verdicts.map(({ reason }) => reason),
      [...names.slice(0, 3).map(name => `No token can hold a claim called '${name}'.`), 'Claim added.'],
    )
  }
})

describe('the limits of the server', () => {
  const bounds = {
    maxLifetimeSeconds: { '/idToken/claims/expires_in': 1000 },
    keptAudience: 'web1',
    foreignAudiences: new Set(['other-client']),
  }
  function bounded(operations: Operation[], platform: Platform): Applied {
    const { type, event } = fixtures.ID
    const allowed = allowedOperationsFor(type, event, platform) ?? []
    const result = applyOperations(operations, allowed, event, actionTypes[type], platform, bounds)
    assert.ok(result.ok)
    return result.value
  }

  for (const platform of [preflow, next]) {
    test(`AZ-42: a longer lifetime is cut, a shorter one is unchanged, on ${platform.name}`, () => {
      const long = bounded([op('~I/expires_in', 315_360_000)], platform)
      assert.deepEqual(
        [read(long.event, 'expires_in'), long.verdicts[0]?.verdict, long.verdicts[0]?.reason],
        [1000, 'applied', 'Expiry time updated, to 1000 seconds: the server allows no more.'],
      )
      assert.equal(read(bounded([op('~I/expires_in', 900)], platform).event, 'expires_in'), 900)
    })

    test(`AZ-45: the client stays an audience and no other client becomes one, on ${platform.name}`, () => {
      const operations = [op('-I/aud/0'), op('~I/aud/0', 'x'), op('+I/aud/-', 'other-client'), op('+I/aud/-', 'api.x')]
      const { event, verdicts } = bounded(operations, platform)
      assert.deepEqual(read(event, 'aud'), ['web1', 'api.x'])
      assert.deepEqual(
        verdicts.map(({ verdict }) => verdict),
        ['rejected', 'rejected', 'rejected', 'applied'],
      )
    })
  }
})
