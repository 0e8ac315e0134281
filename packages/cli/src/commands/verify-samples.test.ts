import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { run } from '../run.ts'
import { type Defect, serveBroken } from '../verify/broken-extensions.fixture.ts'
import { makeGoodExtension } from '../verify/good-extension.fixture.ts'
import { officialSamples, tokensWithoutKey } from '../verify/official-samples.fixture.ts'

async function report(t: TestContext, defect: Defect, options: readonly string[] = []) {
  const { url } = await serveBroken(t, await makeGoodExtension(), defect)
  const written = { out: '', err: '' }
  const code = await run(['verify', url, ...options], {
    out: text => {
      written.out += text
    },
    err: text => {
      written.err += text
    },
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
  })
  assert.equal(written.err, '')
  return { code, text: written.out }
}

const PLATFORMS =
  /^ {2}(?:Preflow|Asgardeo|WSO2 Identity Server, next|WSO2 Identity Server 7\.2|WSO2 Identity Server 7\.1) {2,}(.+)$/gm

/** The ids of the checks that have this mark. */
const marked = (text: string, mark: string) =>
  [...text.matchAll(new RegExp(`^  ${mark} .* ([a-z-]+\\.[a-z-]+)$`, 'gm'))].map(([, id]) => id)

for (const { advised, fails, name, options, platforms, serve } of officialSamples) {
  test(`the report on ${name}`, async t => {
    const { code, text } = await report(t, serve(), options)
    assert.deepEqual(marked(text, '✗'), fails)
    assert.deepEqual(marked(text, '!'), advised)
    assert.equal(code, 1)
    const [heading = ''] = text.split('\n')
    assert.match(heading, / decides [A-Z_]+$/)
    assert.ok(text.includes('✓ It decides at least one action type'))
    assert.deepEqual([...new Set([...text.matchAll(PLATFORMS)].map(([, state]) => state))], [platforms])
  })
}

test('a type at which an extension fails is reported first, with the option to verify it anyway', async t => {
  const { text } = await report(t, tokensWithoutKey())
  const [heading] = text.split('\n\n')
  const words = heading?.replaceAll(/\s+/g, ' ')
  assert.match(
    words ?? '',
    /It fails for PRE_ISSUE_ACCESS_TOKEN \(status 500, ERROR server_error\), so that type was not verified\. If it is meant for it, add --type preIssueAccessToken\./,
  )
})

test('an extension that decides every type gets the option to verify only one type', async t => {
  const sample = officialSamples.find(({ name }) => name.startsWith('pre-profile'))
  assert.ok(sample)
  const { text } = await report(t, sample.serve())
  const [heading] = text.split('\n\n')
  const words = heading?.replaceAll(/\s+/g, ' ') ?? ''
  assert.match(words, /If it is meant for one, for example PRE_ISSUE_ACCESS_TOKEN, add --type preIssueAccessToken\./)
  const { text: chosen } = await report(t, sample.serve(), sample.options)
  assert.doesNotMatch(chosen, /If it is meant for/)
})

test('a second factor that crashes without a user still decides, and fails only as a first step', async t => {
  const sample = officialSamples.find(({ name }) => name.endsWith('second factor'))
  assert.ok(sample)
  const { text } = await report(t, sample.serve(), ['--type', 'authentication'])
  assert.match(text, / decides AUTHENTICATION\n/)
  assert.match(text, /✓ It decides at least one action type reach\.claims\n {6}AUTHENTICATION\n/)
  assert.match(text, /^ {2}Preflow +breaks at 1 of 3$/m)
})

test('an authenticator that names no user breaks the first step of a sign-in', async t => {
  const answersSuccess: Defect = () => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"actionStatus":"SUCCESS"}',
  })
  const { code, text } = await report(t, answersSuccess, ['--type', 'authentication'])
  assert.equal(code, 1)
  assert.match(text, /^ {2}WSO2 Identity Server 7\.1 +breaks at 1 of 3$/m)
  assert.ok(marked(text, '✗').includes('answer.data'))
  assert.match(text, /first-step\n {6}SUCCESS\n {8}breaks on Preflow; [^:]*: The answer names no user/)
  const { text: verifying } = await report(t, answersSuccess, ['--type', 'authentication', '--verification'])
  assert.match(verifying, /^ {2}WSO2 Identity Server 7\.1 +works$/m)
})

test('a wrong credential and a missing credential are reported differently', async t => {
  const refuses: Defect = () => ({
    status: 401,
    headers: { 'content-type': 'application/json' },
    body: '{"actionStatus":"ERROR","errorMessage":"unauthorized"}',
  })
  assert.match((await report(t, refuses)).text, /It requires a credential: set --auth or --sign\./)
  const wrong = await report(t, refuses, ['--auth', 'bearer:guessed'])
  assert.match(
    wrong.text.replaceAll(/\s+/g, ' '),
    /It does not accept the credential that was sent: compare --auth and/,
  )
})
