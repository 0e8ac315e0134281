import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { type DecisionRecord, defineExtension } from '@preflow/extension'
import { createCredentialReader } from '@preflow/extension/credential'
import { type PasswordRulesOptions, passwordRules } from './password-rules.ts'

const CLAIMS = 'http://wso2.org/claims/'
const ines = {
  username: 'PRIMARY/ines.diver@heron.example',
  emailaddress: 'ines.the-first@heron.example',
  givenname: 'Ínes',
  lastname: 'Zoëlina',
  nickname: 'Bo',
  emailAddresses: ['second.box@heron.example', 'x@y.example'],
}

async function decide(
  password: string | { hashed: string },
  options: PasswordRulesOptions = {},
  claims: Record<string, string | string[]> = ines,
): Promise<{ status: number; outcome: unknown; description: unknown; why: string | undefined }> {
  const records: DecisionRecord[] = []
  const extension = defineExtension(
    { preUpdatePassword: passwordRules(options, { credential: createCredentialReader() }) },
    { caller: { type: 'none' }, log: record => records.push(record) },
  )
  const updatingCredential =
    typeof password === 'string'
      ? { type: 'PASSWORD', format: 'PLAIN_TEXT', value: password }
      : {
          type: 'PASSWORD',
          format: 'HASH',
          value: hash('sha256', password.hashed, 'base64'),
          additionalData: { algorithm: 'SHA256' },
        }
  const response = await extension.fetch(
    new Request('http://guard', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        actionType: 'PRE_UPDATE_PASSWORD',
        event: {
          initiatorType: 'USER',
          action: 'REGISTER',
          tenant: { id: '417', name: 'heron.example' },
          user: {
            claims: Object.entries(claims).map(([name, value]) => ({ uri: CLAIMS + name, value })),
            updatingCredential,
          },
        },
      }),
    }),
  )
  const text = await response.text()
  const answer = JSON.parse(text)
  const said = text + JSON.stringify(records)
  const isRepeated = updatingCredential.value !== '' && said.includes(updatingCredential.value)
  assert.ok(!isRepeated && !/heron|diver|zo/i.test(said), 'the answer repeats a value')
  assert.deepEqual(records[0]?.reports, [])
  return {
    status: response.status,
    outcome: answer.failureReason ?? answer.errorMessage ?? answer.actionStatus,
    description: answer.failureDescription,
    why: records[0]?.why,
  }
}

const outcome = async (...words: Parameters<typeof decide>) => (await decide(...words)).outcome

test('length is counted in characters as people count them', async () => {
  assert.equal(await outcome('2b-or-n'), 'password_too_short')
  assert.equal(await outcome('2b-or-no'), 'SUCCESS')
  assert.equal(await outcome('😀'.repeat(7)), 'password_too_short')
  assert.equal(await outcome('😀'.repeat(8)), 'SUCCESS')
  assert.equal(await outcome('x'.repeat(256)), 'SUCCESS')
  assert.equal(await outcome('x'.repeat(257)), 'password_too_long')
  assert.equal(await outcome('x'.repeat(13), { maxLength: 12 }), 'password_too_long')
  assert.equal(await outcome('', { minLength: 0 }), 'SUCCESS')
  const { description } = await decide('2b-or-n', { minLength: 15 })
  assert.equal(description, 'The password must have at least 15 characters.')
})

test("UC-09: words of the user's own name and addresses are rejected, ignoring case and accents", async () => {
  const refused = [
    'ines.diver-7',
    'my-DIVER-77',
    'x-ines-2026',
    'zoelina!2026',
    'ZOËLINA!2026',
    'the-first-one',
    'Second.Box.1',
    'ＤＩＶＥＲ2026',
  ]
  for (const password of refused) assert.equal(await outcome(password), 'password_contains_personal_data', password)
  const { description, why } = await decide('ines.diver-7')
  assert.equal(
    description,
    'The password must not contain your name or user name or e-mail address. Please choose a different one.',
  )
  assert.equal(why, 'passwordRules: plain, password_contains_personal_data')
})

test('the domain of an address and words of fewer than four letters are allowed', async () => {
  assert.equal(await outcome('blue-heron-42'), 'SUCCESS')
  assert.equal(await outcome('bo-bo-bo-bo-7'), 'SUCCESS')
  assert.equal(await outcome('bo-bo-bo-bo-7', { minWordLength: 2 }), 'password_contains_personal_data')
  assert.equal(await outcome('primary-42-school'), 'SUCCESS')
})

test('a setting selects the attributes, and a user without attributes is valid', async () => {
  assert.equal(await outcome('ines.diver-7', { contextClaims: [] }), 'SUCCESS')
  assert.equal(
    await outcome('hydrology-7', { contextClaims: [`${CLAIMS}department`] }, { department: 'Hydrology' }),
    'password_contains_personal_data',
  )
  assert.equal(await outcome('ines.diver-7', {}, {}), 'SUCCESS')
})

test('words of the operator are rejected in any password', async () => {
  assert.equal(await outcome('my-ACME-2026', { words: ['Acme'] }), 'password_contains_forbidden_word')
  assert.equal(await outcome('acme-ROAD-2026', { words: ['Acme Road', 'X'] }), 'SUCCESS')
  assert.equal(await outcome('acme ROAD 2026', { words: ['Acme Road'] }), 'password_contains_forbidden_word')
})

test('a hashed password allows no check of length and words: the setting decides, and the default is an error', async () => {
  assert.deepEqual(await decide({ hashed: 'ines' }), {
    status: 400,
    outcome: 'password_not_checkable',
    description: undefined,
    why: 'passwordRules: sha256, not checkable',
  })
  assert.equal(await outcome({ hashed: 'ines' }, { whenNotCheckable: 'allow' }), 'SUCCESS')
  const { status, outcome: reason } = await decide({ hashed: 'ines' }, { whenNotCheckable: 'deny' })
  assert.deepEqual([status, reason], [200, 'password_not_checkable'])
})

test('options that contradict each other are rejected by name', () => {
  const credential = createCredentialReader()
  assert.throws(() => passwordRules({ minLength: 20, maxLength: 10 }, { credential }), {
    message: 'passwordRules: minLength: must not be above maxLength',
  })
})
