import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../command.ts'
import { jsonWithoutSecrets, readTarget, withoutSecrets } from './target.ts'

const url = 'http://127.0.0.1:8080/hook'
const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`

test('each kind of credential is read in the form of the platform', () => {
  const read = (auth: string) => readTarget({ url, auth }, {}).authentication
  assert.deepEqual(read('basic:admin:a:b'), { type: 'BASIC', properties: { username: 'admin', password: 'a:b' } })
  assert.deepEqual(read('bearer:t0ken'), { type: 'BEARER', properties: { accessToken: 't0ken' } })
  assert.deepEqual(read('api-key:X-Key=v=1'), { type: 'API_KEY', properties: { header: 'X-Key', value: 'v=1' } })
  assert.deepEqual(read('none'), { type: 'NONE' })
})

test('secrets come from the environment, and an option takes precedence', () => {
  const env = { PREFLOW_AUTH: 'bearer:from-env', PREFLOW_SIGN: `${secret},${secret}` }
  const fromEnvironment = readTarget({ url }, env)
  assert.deepEqual(fromEnvironment.authentication, { type: 'BEARER', properties: { accessToken: 'from-env' } })
  assert.deepEqual(fromEnvironment.signingSecrets, [secret, secret])
  assert.deepEqual(readTarget({ url, auth: 'none', sign: [secret] }, env), {
    url,
    authentication: { type: 'NONE' },
    signingSecrets: [secret],
  })
})

test('without both, calls have no credentials', () => {
  assert.deepEqual(readTarget({ url }, {}), { url, authentication: { type: 'NONE' }, signingSecrets: [] })
})

test('invalid credentials are refused without repeating a secret', () => {
  const secretWord = 'hunter2hunter2'
  for (const words of [
    { url, auth: `basic:${secretWord}` },
    { url, auth: `digest:${secretWord}` },
    { url: `http://admin:${secretWord}@127.0.0.1:8080/hook` },
    { url, auth: `api-key:${secretWord}` },
    { url, sign: [secretWord] },
  ]) {
    assert.throws(
      () => readTarget(words, {}),
      error => error instanceof UsageError && !error.message.includes(secretWord),
    )
  }
})

test('the address must be an absolute http or https URL', () => {
  assert.throws(() => readTarget({ url: undefined }, {}), UsageError)
  assert.throws(() => readTarget({ url: 'localhost:8080' }, {}), UsageError)
  assert.throws(() => readTarget({ url: '/hook' }, {}), UsageError)
})

test('a document stays valid JSON with any credential', () => {
  for (const value of ['1', 'true', 'Why', '"', '{']) {
    const target = readTarget({ url, auth: `api-key:x-key=${value}` }, {})
    const document = { Why: true, count: 11, note: `it was ${value}` }
    assert.deepEqual(JSON.parse(jsonWithoutSecrets(document, target)), {
      ...document,
      note: withoutSecrets(document.note, target),
    })
  }
})
