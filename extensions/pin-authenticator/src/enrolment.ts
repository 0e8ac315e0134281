import { describeIssue, localClaimUri, present, readDocument } from '@preflow/contract'
import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import { bodyLimit } from 'hono/body-limit'
import * as z from 'zod/mini'
import type { PinHasher } from './pin-hash.ts'
import { type PinPolicy, weaknessOf } from './pin-policy.ts'
import { describeError, type Ports } from './ports.ts'
import { normalizeUsername, type Store } from './store.ts'

export interface EnrolmentOptions {
  store: Store
  hasher: PinHasher
  policy: PinPolicy
  ports: Ports
}

/** The result of an enrolment. Problems name the field and state what to do. They never contain a value. */
export type EnrolmentResult = { ok: true } | { ok: false; isTaken: boolean; problems: string[] }

const MAX_BODY_BYTES = 65_536

/** Where platforms expect these, instead of in the claims. */
const misplacedClaims: Record<string, string> = {
  [localClaimUri('groups')]: 'platforms ignore this claim; use groups',
  [localClaimUri('roles')]: 'platforms ignore this claim; map groups to roles there',
}

const name = z.string().check(z.trim(), z.minLength(1), z.maxLength(256))

const claimSchema = z.strictObject({
  uri: z.string().check(
    z.minLength(1),
    z.maxLength(512),
    z.superRefine((uri, check) => {
      const message = misplacedClaims[uri]
      if (message !== undefined) check.addIssue({ code: 'custom', message })
    }),
  ),
  value: z.union([z.string(), z.array(z.string())]),
})

const enrolmentSchema = z.strictObject({
  pin: z.string(),
  username: z.exactOptional(name),
  userStore: z.exactOptional(name),
  claims: z._default(z.array(claimSchema).check(z.maxLength(100)), []),
  // Platforms join the names of groups with commas.
  groups: z._default(z.array(name.check(z.regex(/^[^,]*$/, 'must not contain a comma'))).check(z.maxLength(100)), []),
})

const userIdSchema = z.string().check(z.regex(/^[^\p{C}\p{Z}]{1,255}$/u, 'must be 1 to 255 characters without blanks'))

/**
 * Sets the PIN of a user, replaces an earlier one and unlocks the user.
 *
 * @param body `pin`, and optionally `username`, `userStore`, `claims` and `groups`. What is left out is empty
 *   afterwards.
 */
export async function enrol(userId: string, body: unknown, options: EnrolmentOptions): Promise<EnrolmentResult> {
  const { store, hasher, policy, ports } = options
  const id = readDocument(userIdSchema, userId, ['userId'])
  const read = readDocument(enrolmentSchema, body)
  const problems = [id, read].flatMap(each => (each.ok ? [] : each.issues.map(describeIssue)))
  if (!read.ok || problems.length > 0) return { ok: false, isTaken: false, problems }
  const { pin, username: typed, ...rest } = read.value
  const username = typed === undefined ? {} : { username: normalizeUsername(typed) }
  const weakness = weaknessOf(pin, policy, [userId, ...Object.values(username)])
  if (weakness !== undefined) return { ok: false, isTaken: false, problems: [`pin: ${weakness}`] }
  const pinHash = await hasher.hash(userId, pin)
  if (!(await store.putEnrolment({ userId, ...username, ...rest, pinHash, updatedAt: ports.now() }))) {
    return { ok: false, isTaken: true, problems: ['username: in use by another user; choose another one'] }
  }
  await unlock(userId, options)
  return { ok: true }
}

/** The name under which the attempts of a user are counted who passed an earlier step. */
export function subjectOf(userId: string, hasher: PinHasher): string {
  return hasher.disguise(`user:${userId}`)
}

/** The name under which the attempts of all strangers for a user are counted. */
export function strangersOf(userId: string, hasher: PinHasher): string {
  return hasher.disguise(`strangers:${userId}`)
}

/** Counters of networks and browsers need no unlocking: they are for one PIN, see `pin-check.ts`. */
async function unlock(userId: string, { store, hasher }: Pick<EnrolmentOptions, 'store' | 'hasher'>): Promise<void> {
  for (const nameOf of [subjectOf, strangersOf]) await store.forgetAttempts(nameOf(userId, hasher))
}

/**
 * The administrator's API: `PUT`, `GET` and `DELETE /{userId}` with a bearer token.
 *
 * No response contains a PIN or its hash.
 */
export function createEnrolmentApi(keys: readonly string[], options: EnrolmentOptions): Hono {
  const { store, hasher, ports } = options
  const api = new Hono()
  api.use(bearerAuth({ token: [...keys] }))
  api.use(async (c, next) => {
    await next()
    c.res.headers.set('cache-control', 'no-store')
  })
  api.onError((error, c) => {
    if ('getResponse' in error) return (error as { getResponse(): Response }).getResponse()
    ports.log(describeError('enrolment failed', error))
    return c.json({ problems: ['The PIN store does not answer. Try again in a moment.'] }, 500)
  })

  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: c => c.json({ problems: [`The body must have at most ${MAX_BODY_BYTES} bytes.`] }, 413),
  })
  api.put('/:userId', limit, async c => {
    const body = await c.req.json().catch(() => undefined)
    const result = await enrol(c.req.param('userId'), body, options)
    ports.log({ event: 'enrolment', done: result.ok ? 'PIN set' : 'refused' })
    if (result.ok) return c.body(null, 204)
    return c.json({ problems: result.problems }, result.isTaken ? 409 : 400)
  })

  api.get('/:userId', async c => {
    const userId = c.req.param('userId')
    const enrolment = await store.findEnrolment({ userId })
    if (!enrolment) return c.json({ problems: ['This user has no PIN. Set one with PUT.'] }, 404)
    const { pinHash: _, updatedAt, ...shown } = enrolment
    const counted = await Promise.all([subjectOf, strangersOf].map(of => store.findAttempts(of(userId, hasher))))
    const end = Math.max(...counted.map(attempts => attempts?.lockedUntil ?? 0))
    const lockedUntil = end > ports.now() ? new Date(end).toISOString() : undefined
    return c.json({ ...shown, updatedAt: new Date(updatedAt).toISOString(), ...present({ lockedUntil }) })
  })

  api.delete('/:userId', async c => {
    const userId = c.req.param('userId')
    await store.deleteEnrolment(userId)
    await unlock(userId, options)
    ports.log({ event: 'enrolment', done: 'PIN deleted' })
    return c.body(null, 204)
  })

  return api
}

/** The result of an import. `problems` begin with the number of the line. */
export interface ImportResult {
  enrolled: number
  problems: string[]
}

/** How many PINs are hashed at once: the size of Node's thread pool. */
const PARALLEL = 4

/**
 * Enrols users from JSON Lines: one object per line, with `userId` and the fields of {@link enrol}. Invalid lines are
 * skipped and listed. Lines are read as a stream and not stored.
 */
export async function importEnrolments(lines: AsyncIterable<string>, options: EnrolmentOptions): Promise<ImportResult> {
  const result: ImportResult = { enrolled: 0, problems: [] }
  const importLine = async (line: string, number: number): Promise<void> => {
    const said = await enrolLine(line, options)
    if (said.ok) result.enrolled++
    else result.problems.push(...said.problems.map(problem => `line ${number}: ${problem}`))
  }
  let number = 0
  let batch: Promise<void>[] = []
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    batch.push(importLine(line, number))
    if (batch.length === PARALLEL) {
      await Promise.all(batch)
      batch = []
    }
  }
  await Promise.all(batch)
  return result
}

async function enrolLine(line: string, options: EnrolmentOptions): Promise<EnrolmentResult> {
  let entry: unknown
  try {
    entry = JSON.parse(line)
  } catch {
    // The parser's own message quotes the line.
    return { ok: false, isTaken: false, problems: ['must be one JSON object'] }
  }
  const read = readDocument(z.looseObject({ userId: z.string() }), entry)
  if (!read.ok) return { ok: false, isTaken: false, problems: ['must be a JSON object with a userId'] }
  const { userId, ...body } = read.value
  return enrol(userId, body, options)
}
