import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { type CountryFinding, type CountryOptions, country } from '@preflow/policies'

async function judge(
  options: CountryOptions,
  finding: CountryFinding,
  {
    address = '8.8.8.8',
    claims = [],
    paths = [],
  }: { address?: string; claims?: { name: string; value: unknown }[]; paths?: string[] } = {},
) {
  const asked: string[] = []
  const lookup = (one: string) => {
    asked.push(one)
    return finding
  }
  const { answer, record } = await decide(
    { preIssueAccessToken: country(options, { lookup }) },
    sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
      event: {
        request: { additionalHeaders: [{ name: 'x-client-source-ip', value: [address] }] },
        accessToken: { claims },
      },
      allowedOperations: [
        { op: 'add', paths: ['/accessToken/claims/'] },
        { op: 'replace', paths: ['/accessToken/claims/expires_in', ...paths] },
      ],
    }),
  )
  return { answer, why: record.why, asked }
}

const KP: CountryFinding = { kind: 'country', code: 'KP' }
const DE: CountryFinding = { kind: 'country', code: 'DE' }

test('T228: a blocked country is denied by its code', async () => {
  const { answer, why } = await judge({ blocked: ['IR', 'KP'] }, KP)
  assert.deepEqual(answer, {
    actionStatus: 'FAILED',
    failureReason: 'access_denied',
    failureDescription: 'Access token issuance is blocked from your region KP.',
  })
  assert.equal(why, 'country: blocked')
})

test('other countries pass, and with a list of allowed ones only those', async () => {
  assert.equal((await judge({ blocked: ['KP'] }, DE)).answer.actionStatus, 'SUCCESS')
  assert.equal((await judge({ allowed: ['DE'] }, DE)).answer.actionStatus, 'SUCCESS')
  const { answer, why } = await judge({ allowed: ['FR'] }, DE)
  assert.equal(answer.actionStatus, 'FAILED')
  assert.equal(why, 'country: not among the allowed ones')
  assert.equal((await judge({ allowed: ['DE'], blocked: ['DE'] }, DE)).answer.actionStatus, 'FAILED')
})

test('a setting decides about an unknown country, and denies by default', async () => {
  for (const finding of [{ kind: 'unknown' }, { kind: 'special', range: 'anycast' }] as CountryFinding[]) {
    assert.equal((await judge({}, finding)).answer.actionStatus, 'FAILED')
    assert.deepEqual((await judge({ unknown: 'allow' }, finding)).answer, { actionStatus: 'SUCCESS' })
    assert.equal((await judge({ unknown: 'error' }, finding)).answer.actionStatus, 'ERROR')
    const { answer } = await judge({ unknown: 'shorten', shortenToSeconds: 60 }, finding)
    assert.deepEqual(answer.actionStatus === 'SUCCESS' && answer.operations?.[0]?.value, '60')
  }
})

test('the lookup gets the normalized address, and is not called without a public one', async () => {
  assert.deepEqual((await judge({}, DE, { address: '[::ffff:8.8.8.8]:443' })).asked, ['8.8.8.8'])
  for (const address of ['10.0.0.1', '203.0.113.5', 'x', '']) {
    const { asked, answer, why } = await judge({ blocked: ['DE'] }, DE, { address })
    assert.deepEqual(asked, [])
    assert.equal(answer.actionStatus, 'SUCCESS')
    assert.equal(why, 'country: no public address')
  }
})

test('the country becomes a claim, and a refresh with an older one gets the new one', async () => {
  const operations = async (claims: { name: string; value: unknown }[], paths: string[]) => {
    const { answer } = await judge({ claim: 'country' }, DE, { claims, paths })
    return answer.actionStatus === 'SUCCESS' ? answer.operations : []
  }
  assert.deepEqual(await operations([], []), [
    { op: 'add', path: '/accessToken/claims/-', value: { name: 'country', value: 'DE' } },
  ])
  assert.deepEqual(await operations([{ name: 'country', value: 'FR' }], ['/accessToken/claims/country']), [
    { op: 'replace', path: '/accessToken/claims/country', value: 'DE' },
  ])
})

test('invalid options are found when the policy is created', () => {
  const lookup = () => DE
  assert.throws(() => country({ blocked: ['kp'] }, { lookup }), /country: blocked\.0: must be two capital letters/)
  assert.throws(() => country({ unknown: 'no' as never }, { lookup }), /country: unknown/)
})
