import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { sampleRequest } from '@preflow/extension/testing'
import { CompactEncrypt, exportPKCS8, generateKeyPair } from 'jose'
import { type Answered, request } from '../requests.ts'
import { type Check, differs, type Row, row, type Section } from '../row.ts'
import {
  CALLER_AUTHENTICATION,
  CALLER_KEY,
  type RunningPasswordGuard,
  type RunningService,
  startPasswordGuard,
} from '../running-extensions.ts'
import type { Stage } from '../stage.ts'
import type { ActionSettings } from '../stage-actions.ts'
import { type Person, patchOf, replacing } from '../users.ts'

const BREACHED = 'P@ssw0rd'
/** The entry of the range API for a password: its SHA-1 without the first five digits. */
const PREFIX = '21BD1'
const SUFFIX = '2DC183F740EE76F27B78EB39C8AD972A757'
const GOOD = 'Blue-Heron_42!'

/** Checks only breaches, and only with the range API. */
const RANGE_ONLY = { checksRules: false, checksCommonPasswords: false }

/** Marks a row that calls the extension like a platform, without the server. */
export function alone(about: Row): Row {
  return { ...about, how: 'the extension is called directly, over a socket' }
}

/** Calls an extension as a platform does. */
export function callAsPlatform(
  { url }: Pick<RunningService, 'url'>,
  body: unknown,
  key = CALLER_KEY,
): Promise<Answered> {
  return request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'x-wso2-api-version': 'v1' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

const plain = (value: unknown) => ({ type: 'PASSWORD', format: 'PLAIN_TEXT', value })

/** The request about a new password in this form. */
function aboutPassword(updatingCredential: unknown): object {
  const { event, ...rest } = sampleRequest('PRE_UPDATE_PASSWORD')
  return { ...rest, event: { ...event, user: { ...event.user, updatingCredential } } }
}

/** Runs with password-guard. `passwords` are the content of its range API. */
function withGuard(
  { passwords = { [BREACHED]: 5 }, settings = RANGE_ONLY }: { passwords?: Record<string, number>; settings?: object },
  use: (guard: RunningPasswordGuard, stage: Stage) => Promise<void>,
): Check {
  return async stage => {
    const guard = await startPasswordGuard(passwords, settings)
    try {
      await use(guard, stage)
    } finally {
      await guard.close()
    }
  }
}

/** Runs with password-guard as the action of the stage, and a user whose password the administrator sets. */
function guarding(
  options: Parameters<typeof withGuard>[0] & { action?: ActionSettings; attributes?: object },
  use: (
    set: (password: string) => Promise<Answered>,
    more: { guard: RunningPasswordGuard; user: Person; stage: Stage },
  ) => Promise<void>,
): Check {
  return withGuard(options, async (guard, stage) => {
    // An earlier guard has stopped, and would be called about the new user.
    await stage.remove('PRE_UPDATE_PASSWORD')
    const user = await stage.addUser({ attributes: options.attributes ?? {} })
    await stage.configure('PRE_UPDATE_PASSWORD', {
      uri: guard.url,
      authentication: CALLER_AUTHENTICATION,
      passwordSharing: { format: 'PLAIN_TEXT' },
      ...options.action,
    })
    const set = (password: string) =>
      stage.call('PATCH', `/scim2/Users/${user.id}`, patchOf(replacing('password', password)))
    await use(set, { guard, user, stage })
  })
}

/** The password was rejected with this reason, and the old one still works. */
async function assertRefused(answered: Answered, reason: string, stage: Stage, user: Person): Promise<void> {
  assert.deepEqual([answered.status, answered.body.scimType], [400, reason], JSON.stringify(answered.body))
  await assertOpens(stage, user, user.password)
}

async function assertOpens({ console, token }: Stage, { userName }: Person, password: string): Promise<void> {
  const form = { grant_type: 'password', username: userName, password, scope: 'internal_login' }
  const { body, status } = await token(console, form)
  assert.equal(status, 200, JSON.stringify(body))
}

export const passwordGuard: Section = {
  title: 'Breached passwords: password-guard',
  rows: [
    row(
      'UC-01',
      'PLAIN_TEXT `P@ssw0rd`, the range 21BD1 has its suffix with 5: FAILED password_compromised',
      guarding({}, async (set, { guard, stage, user }) => {
        await assertRefused(await set(BREACHED), 'password_compromised', stage, user)
        assert.deepEqual(
          guard.standIn.requests.map(({ path }) => path),
          [`/range/${PREFIX}`],
        )
      }),
    ),
    row(
      'UC-02',
      'the same with the count 0, as in padding: SUCCESS',
      guarding({ passwords: { [BREACHED]: 0 } }, async (set, { guard, stage, user }) => {
        const range = await fetch(`${guard.standIn.url}/range/${PREFIX}`)
        assert((await range.text()).includes(`${SUFFIX}:0`))
        assert.equal((await set(BREACHED)).status, 200)
        await assertOpens(stage, user, BREACHED)
      }),
    ),
    row(
      'UC-03',
      'rows that end in CRLF: recognised',
      guarding({}, async (set, { guard, stage, user }) => {
        const range = await fetch(`${guard.standIn.url}/range/${PREFIX}`)
        assert((await range.text()).includes(`${SUFFIX}:5\r\n`))
        await assertRefused(await set(BREACHED), 'password_compromised', stage, user)
      }),
    ),
    row(
      'UC-04',
      'hashed password: ERROR 400, never SUCCESS',
      guarding({ action: { passwordSharing: { format: 'SHA256_HASHED' } } }, async (set, { guard, stage, user }) => {
        for (const password of [GOOD, BREACHED]) assert.equal((await set(password)).status, 500)
        await assertOpens(stage, user, user.password)
        const credential = {
          type: 'PASSWORD',
          format: 'HASH',
          value: hash('sha256', BREACHED, 'base64'),
          additionalData: { algorithm: 'SHA256' },
        }
        const { body, status } = await callAsPlatform(guard, aboutPassword(credential))
        assert.deepEqual([status, body.actionStatus], [400, 'ERROR'])
        assert.deepEqual(guard.standIn.requests, [])
      }),
    ),
    alone(
      row('UC-05', 'JWE whose value is an array of characters: checked like a string', async stage => {
        const { publicKey, privateKey } = await generateKeyPair('RSA-OAEP-256', { extractable: true })
        const settings = { ...RANGE_ONLY, decryptionKey: await exportPKCS8(privateKey) }
        await withGuard({ settings }, async guard => {
          for (const [password, actionStatus] of [
            [GOOD, 'SUCCESS'],
            [BREACHED, 'FAILED'],
          ] as const) {
            for (const value of [password, [...password]]) {
              const jwe = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(plain(value))))
                .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'application/json' })
                .encrypt(publicKey)
              const { body, status } = await callAsPlatform(guard, aboutPassword(jwe))
              assert.deepEqual([status, body.actionStatus], [200, actionStatus])
            }
          }
        })(stage)
      }),
    ),
    row(
      'UC-06',
      'the range API hangs, and the setting is allow / deny / error: SUCCESS / FAILED / ERROR within 2.5 s',
      async stage => {
        for (const [whenUnavailable, expected, actionStatus] of [
          ['allow', 200, 'SUCCESS'],
          ['deny', 400, 'FAILED'],
          ['error', 500, 'ERROR'],
        ] as const) {
          const settings = { ...RANGE_ONLY, whenUnavailable }
          await guarding({ settings }, async (set, { guard }) => {
            guard.standIn.setFault('slow')
            assert.equal((await set(GOOD)).status, expected)
            const startedAt = performance.now()
            const { body } = await callAsPlatform(guard, aboutPassword(plain(GOOD)))
            assert.equal(body.actionStatus, actionStatus)
            const tookMs = performance.now() - startedAt
            assert(tookMs < 2500, `${tookMs} ms`)
          })(stage)
        }
      },
    ),
    alone(
      row(
        'UC-07',
        '100 requests at once about one prefix: one request to the range API',
        withGuard({}, async guard => {
          const answers = await Promise.all(
            Array.from({ length: 100 }, () => callAsPlatform(guard, aboutPassword(plain(BREACHED)))),
          )
          assert(answers.every(({ body }) => body.failureReason === 'password_compromised'))
          assert.equal(guard.standIn.requests.length, 1)
        }),
      ),
    ),
    row(
      'UC-08',
      'wrong API key: 401 with an ERROR body',
      guarding(
        {
          action: {
            authentication: { type: 'API_KEY', properties: { header: 'x-api-key', value: 'a-key-of-nobody' } },
          },
        },
        async (set, { guard, stage, user }) => {
          assert.equal((await set(GOOD)).status, 500)
          await assertOpens(stage, user, user.password)
          const { body, status } = await callAsPlatform(guard, aboutPassword(plain(GOOD)), 'a-key-of-nobody')
          assert.deepEqual([status, body.actionStatus], [401, 'ERROR'])
          assert.deepEqual(guard.standIn.requests, [])
        },
      ),
    ),
    row(
      'UC-09',
      "the password contains the local part of the user's e-mail address: FAILED",
      guarding(
        {
          settings: {},
          action: { attributes: ['http://wso2.org/claims/emailaddress'] },
          attributes: { emails: [{ value: 'ines.diver@heron.example', primary: true }] },
        },
        async (set, { stage, user }) => {
          await assertRefused(await set('Ines.Diver-2026'), 'password_contains_personal_data', stage, user)
          assert.equal((await set(GOOD)).status, 200)
        },
      ),
    ),
    alone(
      row(
        'UC-10',
        'body above the limit, and a wrong actionType: 400 ERROR',
        differs(
          'a wrong actionType gets 400, a body above the limit 413, the HTTP status for it; platforms treat neither as an answer',
          withGuard({}, async guard => {
            const wrongType = { ...aboutPassword(plain(GOOD)), actionType: 'PRE_UPDATE_PROFILE' }
            const tooLarge = { ...aboutPassword(plain(GOOD)), padding: 'x'.repeat(300_000) }
            for (const [body, status] of [
              [wrongType, 400],
              [tooLarge, 413],
            ] as const) {
              const answered = await callAsPlatform(guard, body)
              assert.deepEqual([answered.status, answered.body.actionStatus], [status, 'ERROR'])
            }
            assert.deepEqual(guard.standIn.requests, [])
          }),
        ),
      ),
    ),
  ],
}
