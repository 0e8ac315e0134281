import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { classifyAddress, type SourceAddressOptions, sourceAddress } from '@preflow/policies'

const requestWith = (additionalHeaders: { name: string; value: string[] }[] | undefined) =>
  sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { request: { additionalHeaders } } })

/** The decision of the policy about requests with these values of the header. */
async function judge(values: string[] | undefined, options: SourceAddressOptions = {}, name = 'x-client-source-ip') {
  const { answer, record } = await decide(
    { preIssueAccessToken: sourceAddress(options) },
    requestWith(values && [{ name, value: values }]),
  )
  return { status: answer.actionStatus, why: record.why, answer, operations: record.operations }
}

test('addresses are normalized: ports, brackets, zones and mapping are removed', () => {
  for (const [written, address] of [
    ['8.8.8.8', '8.8.8.8'],
    [' 8.8.8.8 ', '8.8.8.8'],
    ['8.8.8.8:443', '8.8.8.8'],
    ['::ffff:8.8.8.8', '8.8.8.8'],
    ['::FFFF:808:808', '8.8.8.8'],
    ['[::ffff:8.8.8.8]:443', '8.8.8.8'],
    ['2001:4860:4860::8888', '2001:4860:4860::8888'],
    ['2001:4860:4860:0:0:0:0:8888', '2001:4860:4860::8888'],
    ['[2001:4860:4860::8888]', '2001:4860:4860::8888'],
    ['[2001:4860:4860::8888]:8443', '2001:4860:4860::8888'],
    ['2001:4860:4860::8888%eth0', '2001:4860:4860::8888'],
  ] as const) {
    const found = classifyAddress(written)
    assert.equal(found.kind === 'public' && found.address, address, written)
  }
})

test('an invalid address is malformed, T237', () => {
  for (const written of [
    '1.2.3.4&verbose',
    '1.2.3.4&maxAgeInDays=365',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '0x8.8.8.8',
    '0177.0.0.1',
    '2130706433',
    'unknown',
    'localhost',
    '8.8.8.8:port',
    '8.8.8.8/24',
    '[8.8.8.8]:1',
    '[::1',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '::ffff:0x7f.0.0.1',
    '::ffff:300.1.1.1',
    '2001:db8::g',
    '"8.8.8.8"',
    '8.8.8.8\u0000',
    '8'.repeat(5000),
  ]) {
    assert.deepEqual(classifyAddress(written), { kind: 'malformed' }, written)
  }
})

test('special addresses are distinguished: private or reserved', () => {
  const kinds = {
    private: [
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '127.0.0.1',
      '169.254.1.1',
      '100.64.0.1',
      '::1',
      'fd00::1',
      'fe80::1%eth0',
      '::ffff:10.0.0.1',
    ],
    reserved: [
      '0.0.0.0',
      '192.0.2.1',
      '198.51.100.7',
      '203.0.113.5',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
      '2001:db8::1',
      'ff02::1',
      '::',
      '64:ff9b::808:808',
      '2002:808:808::1',
    ],
  }
  for (const [kind, addresses] of Object.entries(kinds)) {
    for (const address of addresses) assert.equal(classifyAddress(address).kind, kind, address)
  }
})

test('T226: the header is found in any case', async () => {
  assert.equal((await judge(['8.8.8.8'], {}, 'X-Client-Source-IP')).status, 'SUCCESS')
})

test('T227: without the header the request is denied, with a description', async () => {
  for (const values of [undefined, [], [''], [' , ']]) {
    const { answer, why } = await judge(values)
    assert.deepEqual(answer, {
      actionStatus: 'FAILED',
      failureReason: 'access_denied',
      failureDescription: 'Access token issuance is blocked because the client address is missing.',
    })
    assert.equal(why, 'source address: missing')
  }
})

test('each kind of address has its own setting, safe by default', async () => {
  const values = { missing: undefined, malformed: ['x'], private: ['10.0.0.1'], reserved: ['203.0.113.5'] }
  for (const [kind, value] of Object.entries(values)) {
    assert.equal((await judge(value)).status, 'FAILED', kind)
    assert.equal((await judge(value, { [kind]: 'allow' })).status, 'SUCCESS', kind)
    assert.equal((await judge(value, { [kind]: 'error' })).status, 'ERROR', kind)
    const shortened = await judge(value, { [kind]: 'shorten', shortenToSeconds: 60 })
    assert.deepEqual(shortened.operations, ['replace /accessToken/claims/expires_in'], kind)
    for (const other of Object.keys(values).filter(name => name !== kind)) {
      assert.equal((await judge(value, { [other]: 'allow' })).status, 'FAILED', `${kind} with ${other}`)
    }
  }
})

test('of a chain, the address that the own proxies wrote is used, not what the client put before it', async () => {
  const forwarded = (values: string[], trustedProxies: number) =>
    judge(values, { source: { header: 'X-Forwarded-For', trustedProxies } }, 'x-forwarded-for')
  assert.match((await forwarded(['10.0.0.1, 8.8.8.8'], 1)).why ?? '', /public/)
  assert.match((await forwarded(['8.8.8.8, 10.0.0.1'], 1)).why ?? '', /private/)
  assert.match((await forwarded(['8.8.8.8, 10.0.0.1'], 2)).why ?? '', /public/)
  assert.match((await forwarded(['6.6.6.6', '8.8.8.8,10.0.0.1'], 2)).why ?? '', /public/)
  assert.match((await forwarded(['8.8.8.8'], 2)).why ?? '', /malformed/)
})

test('the explanation contains the class of the address and never the address', async () => {
  assert.equal((await judge(['8.8.8.8'])).why, 'source address: public IPv4')
  assert.equal((await judge(['2001:4860:4860::8888'])).why, 'source address: public IPv6')
  assert.equal((await judge(['fd00::1'])).why, 'source address: private (uniqueLocal)')
})

test('invalid options are found when the policy is created', () => {
  assert.throws(() => sourceAddress({ missing: 'maybe' as never }), /source-address: missing/)
  assert.throws(() => sourceAddress({ source: { trustedProxies: 0 } }), /source\.trustedProxies/)
  assert.throws(() => sourceAddress({ shortenToSecond: 1 } as never), /shortenToSecond/)
})
