import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '@preflow/contract'
import fc from 'fast-check'
import { type PlatformUrls, readPlatformUrls, returnUrl } from './return-url.ts'

const flowId = '6b0b1c52-4a53-4a52-9a0e-0c7a1d6f7e21'
const organization = '5d0c9d0e-0a51-4a5d-8a34-7f6d7a3c2b10'

function urls(...entries: string[]): PlatformUrls {
  const read = readPlatformUrls(entries)
  assert.ok(typeof read !== 'string', String(read))
  return read
}

test('AU-05: a flow of a tenant returns to /t/{tenant}/commonauth', () => {
  assert.deepEqual(returnUrl(urls('https://id.example.com'), { tenant: 'heron.example', flowId }), {
    ok: true,
    url: `https://id.example.com/t/heron.example/commonauth?flowId=${flowId}`,
  })
})

test('OR-13: a flow of an organization returns to /o/{organization}/commonauth', () => {
  assert.deepEqual(returnUrl(urls('https://id.example.com/iam/'), { tenant: 'heron.example', organization, flowId }), {
    ok: true,
    url: `https://id.example.com/iam/o/${organization}/commonauth?flowId=${flowId}`,
  })
})

test('a tenant may have its own platform URL', () => {
  const both = urls('https://id.example.com', 'heron.example=https://login.heron.example')
  const of = (tenant: string) => returnUrl(both, { tenant, flowId })
  assert.match(JSON.stringify(of('heron.example')), /https:\/\/login\.heron\.example\/t\/heron\.example/)
  assert.match(JSON.stringify(of('merlin.example')), /https:\/\/id\.example\.com\/t\/merlin\.example/)
})

test('a tenant outside the allow list has no return URL', () => {
  const refused = returnUrl(urls('heron.example=https://login.heron.example'), { tenant: 'merlin.example', flowId })
  assert.deepEqual(refused, {
    ok: false,
    problem: 'event.tenant.name: not among the platformUrls of this extension; add it there',
  })
})

test('for every request, the browser ends at commonauth of a configured platform or nowhere', () => {
  const platform = urls('https://id.example.com/iam')
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '..',
      '.',
      '../..',
      '//evil.example',
      '@evil.example',
      '%2e%2e',
      'a/../..',
      'a\\b',
      'a?b',
      'a#b',
      'a\n',
      '.a',
    ),
    fc.stringMatching(/^[\w.-]{1,40}$/),
  )
  fc.assert(
    fc.property(hostile, fc.option(hostile, { nil: undefined }), hostile, (tenant, org, id) => {
      const origin = { tenant, flowId: id, ...present({ organization: org }) }
      const built = returnUrl(platform, origin)
      if (!built.ok) return
      const url = new URL(built.url)
      assert.equal(url.origin, 'https://id.example.com')
      assert.equal(url.pathname, org === undefined ? `/iam/t/${tenant}/commonauth` : `/iam/o/${org}/commonauth`)
      assert.deepEqual([...url.searchParams], [['flowId', id]])
      assert.equal(url.hash, '')
    }),
  )
  assert.ok(returnUrl(platform, { tenant: 'heron.example', flowId }).ok, 'and some request is not hostile')
})

test('UC-22: a flow id with markup is rejected without being repeated', () => {
  const refused = returnUrl(urls('https://id.example.com'), {
    tenant: 'heron.example',
    flowId: '<script>alert(1)</script>',
  })
  assert.ok(!refused.ok && !refused.problem.includes('script'))
})

for (const [entry, why] of [
  ['http://id.example.com', /https/],
  ['javascript:alert(1)', /https/],
  ['id.example.com', /https/],
  ['heron.example=ftp://x', /https/],
  ['https://id.example.com?next=x', /query/],
  ['https://user:secret@id.example.com', /credentials/],
] as const) {
  test(`${entry} is no platform URL`, () => {
    const read = readPlatformUrls([entry])
    assert.ok(typeof read === 'string')
    assert.match(read, why)
    assert.ok(!read.includes('secret'))
  })
}

test('a platform on this machine may use http', () => {
  for (const base of ['http://localhost:9400', 'http://127.0.0.1:9400', 'http://[::1]:9400']) urls(base)
  assert.equal(typeof readPlatformUrls(['http://127.0.0.1.evil.example']), 'string')
})

test('a tenant named twice is an error', () => {
  assert.match(String(readPlatformUrls(['https://a.example', 'https://b.example'])), /more than once/)
})
