import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { instructions } from './instructions.ts'
import { type Lab, startLab } from './start-lab.ts'

const anywhere = { PREFLOW_PORT: '0', PREFLOW_EXTENSIONS_PORT: '0', PREFLOW_REPUTATION_PORT: '0' }
const at = (time: string) => Date.parse(`2026-11-18T${time}:00Z`)

describe('the lab', () => {
  let folder: string
  let lab: Lab
  let time = at('10:00')
  const lines: string[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
    lab = await startLab(
      { ...anywhere, PREFLOW_DATA: folder },
      line => void lines.push(line),
      () => time,
    )
  })
  after(async () => {
    await lab.close()
    await rm(folder, { recursive: true })
  })

  async function token(headers: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
    const { clientId, clientSecret } = lab.demo.m2m
    const response = await fetch(`${lab.server}/t/demo/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`, ...headers },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  async function management(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${lab.server}/t/demo${path}`, {
      headers: { authorization: `Basic ${Buffer.from(`admin:${lab.adminPassword}`).toString('base64')}` },
    })
    assert.equal(response.status, 200)
    return (await response.json()) as Record<string, unknown>
  }

  test('an address with a good reputation gets a token with the lifetime of the application', async () => {
    const { status, body } = await token({ 'x-client-source-ip': '205.210.31.51' })
    assert.equal(status, 200)
    assert.equal(body['expires_in'], 3600)
    const [, payload = ''] = String(body['access_token']).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    assert.equal(claims.exp - claims.iat, 3600)
    assert.equal(claims.iss, `${lab.server}/t/demo/oauth2/token`)
  })

  for (const [when, seconds] of [
    ['09:00', 900],
    ['16:59', 900],
    ['17:00', 300],
    ['08:59', 300],
  ] as const) {
    test(`a doubtful address gets ${seconds} seconds at ${when} UTC`, async () => {
      time = at(when)
      const { status, body } = await token({ 'x-client-source-ip': '14.102.69.58' })
      assert.deepEqual([status, body['expires_in']], [200, seconds])
    })
  }

  test('a bad reputation is refused in the words of the policy', async () => {
    const { status, body } = await token({ 'x-client-source-ip': '103.159.198.178' })
    assert.equal(status, 400)
    assert.equal(body['error'], 'access_denied')
    assert.equal(body['error_description'], 'Access token issuance is blocked due to high IP risk.')
  })

  test('a blocked country is refused, and the client is told the id under which the call is kept', async () => {
    const { status, body } = await token({ 'x-client-source-ip': '175.45.176.0' })
    assert.equal(status, 400)
    assert.equal(body['error'], 'access_denied')
    assert.equal(body['error_description'], 'Access token issuance is blocked from your region KP.')
    const call = await management(`/api/server/v1/actions/calls/${body['call_id']}`)
    assert.equal(call['id'], body['call_id'])
    assert.equal(call['status'], 'failed')
  })

  test('without a proxy header the caller is this machine, and private addresses are refused', async () => {
    const { status, body } = await token({})
    assert.deepEqual([status, body['error']], [400, 'access_denied'])
  })

  test('the users can sign in with the passwords shown', async () => {
    const [{ userName, password } = { userName: '', password: '' }] = lab.demo.users
    const { clientId, clientSecret } = lab.demo.web
    const response = await fetch(`${lab.server}/t/demo/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
        'x-client-source-ip': '205.210.31.51',
      },
      body: new URLSearchParams({ grant_type: 'password', username: userName, password }),
    })
    assert.equal(response.status, 200)
  })

  test('the log has a line per decision, without the address', () => {
    const decisions = lines.filter(line => line.startsWith('token-guard '))
    assert.ok(decisions.length >= 5)
    assert.doesNotMatch(decisions.join('\n'), /175\.45|103\.159/)
  })

  test('the start-up text has the three requests to paste', () => {
    const text = instructions(lab)
    for (const address of ['205.210.31.51', '14.102.69.58', '175.45.176.0']) assert.ok(text.includes(address))
    assert.ok(text.includes(`${lab.demo.m2m.clientId}:${lab.demo.m2m.clientSecret}`))
  })
})

test('a second start finds everything as it was left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
  try {
    const first = await startLab({ ...anywhere, PREFLOW_DATA: folder }, () => {})
    await first.close()
    const { port } = new URL(first.extensions)
    const second = await startLab({ ...anywhere, PREFLOW_EXTENSIONS_PORT: port, PREFLOW_DATA: folder }, () => {})
    try {
      assert.deepEqual(second.demo, first.demo)
      assert.equal(second.adminPassword, undefined)
      const { clientId, clientSecret } = second.demo.m2m
      const response = await fetch(`${second.server}/t/demo/oauth2/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
          'x-client-source-ip': '205.210.31.51',
        },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
      assert.equal(response.status, 200)
    } finally {
      await second.close()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a first start that was interrupted is carried on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
  const environment = { ...anywhere, PREFLOW_DATA: folder, PREFLOW_ADMIN_PASSWORD: 'administrator-1' }
  try {
    const first = await startLab(environment, () => {})
    const state = JSON.parse(await readFile(join(folder, 'lab.json'), 'utf8'))
    await first.close()
    // As if it had ended after the last request and before it noted that it was done.
    await writeFile(
      join(folder, 'lab.json'),
      JSON.stringify({ ...state, demo: undefined, adminPassword: 'administrator-1' }),
    )
    const second = await startLab(environment, () => {})
    await second.close()
    assert.deepEqual(second.demo.m2m, first.demo.m2m)
  } finally {
    await rm(folder, { recursive: true })
  }
})

for (const variable of ['PREFLOW_PORT', 'PREFLOW_EXTENSIONS_PORT', 'PREFLOW_REPUTATION_PORT']) {
  test(`a port that is taken is named with ${variable}, and nothing is left running`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    try {
      await assert.rejects(
        startLab({ ...anywhere, [variable]: String(port), PREFLOW_DATA: folder }, () => {}),
        new RegExp(`${port}.*in use.*${variable}`),
      )
    } finally {
      other.close()
      await rm(folder, { recursive: true })
    }
  })
}

test('a data folder that cannot be made is named, with what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
  const file = join(folder, 'file')
  await writeFile(file, '')
  try {
    for (const unusable of [file, join(file, 'below')]) {
      await assert.rejects(
        startLab({ ...anywhere, PREFLOW_DATA: unusable }, () => {}),
        {
          message: `The data folder ${unusable} cannot be used: a file is where a folder should be. Set PREFLOW_DATA to another folder.`,
        },
      )
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a data folder where the system lets none be made stops the start', {
  skip: process.platform !== 'linux' && 'only Linux has /proc',
  timeout: 10_000,
}, async () => {
  await assert.rejects(
    startLab({ ...anywhere, PREFLOW_DATA: '/proc/preflow' }, () => {}),
    /\/proc\/preflow cannot be used: no folder can be made there/,
  )
})

test('a memory that cannot be read stops the start with a sentence', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
  await writeFile(join(folder, 'lab.json'), '{ not json')
  try {
    await assert.rejects(
      startLab({ ...anywhere, PREFLOW_DATA: folder }, () => {}),
      /lab\.json cannot be read\. Move/,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})
