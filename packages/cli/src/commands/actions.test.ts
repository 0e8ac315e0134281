import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startTestLab } from '../lab/lab.fixture.ts'
import type { Lab } from '../lab/start-lab.ts'
import { run } from '../run.ts'

describe('preflow actions', () => {
  let folder: string
  let lab: Lab

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflow-break-glass-'))
    lab = await startTestLab(folder)
  })
  after(async () => {
    await lab.close()
    await rm(folder, { recursive: true })
  })

  async function preflow(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const output = { out: '', err: '' }
    const code = await run(['actions', ...argv], {
      out(text) {
        output.out += text
      },
      err(text) {
        output.err += text
      },
      isTTY: false,
      env: { PREFLOW_DATA: folder },
      signal: new AbortController().signal,
    })
    return { code, ...output }
  }

  /** The status of a token request from a blocked country: an error while the action is active. */
  async function tokenStatus(): Promise<number> {
    const { clientId, clientSecret } = lab.demo.m2m
    const response = await fetch(`${lab.server}/t/demo/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
        'x-client-source-ip': '175.45.176.0',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    await response.arrayBuffer()
    return response.status
  }

  async function listed(): Promise<{ id: string; type: string; status: string }[]> {
    return JSON.parse((await preflow('list', '--json')).out)
  }
  async function statusesOf(...types: string[]): Promise<(string | undefined)[]> {
    const all = await listed()
    return types.map(type => all.find(action => action.type === type)?.status)
  }

  test('lists the actions of every tenant without showing an endpoint', async () => {
    const { code, out } = await preflow()
    assert.equal(code, 0)
    assert.match(out, /^ACTIVE .* demo {2}PRE_ISSUE_ACCESS_TOKEN {2}Guard tokens by address$/m)
    assert.doesNotMatch(out, /http/)
  })

  test('turns an action off and on again under a running server, and both are in the audit log', async () => {
    assert.equal(await tokenStatus(), 400)
    const id = (await listed()).find(({ type }) => type === 'PRE_ISSUE_ACCESS_TOKEN')?.id ?? ''
    const off = await preflow('off', '--id', id, '--json')
    assert.deepEqual(
      JSON.parse(off.out).map((action: { status: string }) => action.status),
      ['INACTIVE'],
    )
    assert.equal(await tokenStatus(), 200)
    assert.match((await preflow('off', '--id', id)).out, /was already off/)
    assert.equal((await preflow('off', '--all')).code, 0)
    assert.match((await preflow('off', '--all')).out, /was already off/)
    assert.deepEqual(await statusesOf('PRE_ISSUE_ACCESS_TOKEN', 'PRE_UPDATE_PASSWORD', 'PRE_UPDATE_PROFILE'), [
      'INACTIVE',
      'INACTIVE',
      'INACTIVE',
    ])
    assert.equal((await preflow('on', '--all', '--tenant', 'demo')).code, 0)
    assert.equal(await tokenStatus(), 400)

    const response = await fetch(`${lab.server}/t/demo/api/server/v1/audit-logs`, {
      headers: { authorization: `Basic ${Buffer.from(`admin:${lab.adminPassword}`).toString('base64')}` },
    })
    const text = await response.text()
    assert.equal(response.status, 200)
    assert.match(text, /command line/)
  })

  test('a custom authenticator is turned off only by its id, because sign-ins need it', async () => {
    await preflow('off', '--all')
    assert.deepEqual(await statusesOf('AUTHENTICATION'), ['ACTIVE'])
    const { id = '' } = (await listed()).find(({ type }) => type === 'AUTHENTICATION') ?? {}
    assert.equal((await preflow('off', '--id', id)).code, 0)
    assert.deepEqual(await statusesOf('AUTHENTICATION'), ['INACTIVE'])
    assert.equal((await preflow('on', '--id', id)).code, 0)
    await preflow('on', '--all')
  })

  test('an unknown action exits with 1, a usage error with 2', async () => {
    const unknown = await preflow('off', '--id', 'nobody')
    assert.deepEqual([unknown.code, /There is no action nobody/.test(unknown.err)], [1, true])
    for (const argv of [['off'], ['off', '--all', '--id', 'x'], ['remove'], ['--every']]) {
      assert.equal((await preflow(...argv)).code, 2)
    }
  })
})
