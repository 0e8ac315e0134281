import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { completeConfiguration, createLog, createServer, type Server } from '@preflow/server'
import { run } from '../run.ts'

describe('preflow keys', () => {
  let folder: string
  let server: Server
  const start = () =>
    createServer(completeConfiguration({ port: 0, dataFolder: folder, adminPassword: 'admin-of-the-test' }), {
      ...{ now: Date.now, newId: randomUUID, randomBytes, log: createLog('silent') },
      passwordCost: { cost: 16, blockSize: 1, parallelization: 1 },
    })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflow-keys-'))
    server = await start()
    await server.listen()
    await fetch(`${server.address}/oauth2/jwks`)
  })
  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  async function preflow(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const output = { out: '', err: '' }
    const code = await run(['keys', ...argv], {
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
  const statesOf = async () => {
    const listed = JSON.parse((await preflow('list', '--json')).out) as { kid: string; alg: string; state: string }[]
    return listed.map(({ alg, state }) => `${alg} ${state}`).sort()
  }

  test('lists the keys of every tenant, and shows no part of them', async () => {
    assert.deepEqual(await statesOf(), ['ES256 active', 'RS256 active'])
    const { code, out } = await preflow()
    assert.equal(code, 0)
    assert.match(out, /^active {4}rs256-[0-9a-f]{16} +carbon\.super {2}signs from \d{4}-/m)
    assert.equal((await preflow('--tenant', 'nobody')).out, 'There are no keys yet. A server makes them.\n')
  })

  test('rotates while the server runs, once until the new keys sign', async () => {
    const { code, out } = await preflow('rotate')
    assert.equal(code, 0)
    assert.match(out, /^rs256-[0-9a-f]{16} {2}carbon\.super {2}replaces rs256-[0-9a-f]{16} from \d{4}-/m)
    assert.deepEqual(await statesOf(), ['ES256 active', 'ES256 next', 'RS256 active', 'RS256 next'])
    assert.equal((await preflow('rotate')).out, 'Every active key has a successor already.\n')
  })

  test('retires one key, after a confirmation', async () => {
    const listed = JSON.parse((await preflow('list', '--json')).out) as { kid: string; alg: string; state: string }[]
    const kid = listed.find(({ alg, state }) => alg === 'RS256' && state === 'active')?.kid ?? ''
    const unconfirmed = await preflow('retire', kid)
    assert.equal(unconfirmed.code, 2)
    assert.match(unconfirmed.err, /signs out everybody in the tenant of the key\. Add --yes/)
    const unknown = await preflow('retire', 'rs256-0', '--yes')
    assert.deepEqual(
      [unknown.code, unknown.err],
      [1, 'preflow keys: There is no key rs256-0. Run `preflow keys list` to list them.\n'],
    )
    const { code, out } = await preflow('retire', kid, '--yes')
    assert.equal(code, 0)
    assert.match(
      out,
      /is withdrawn, and every session and token of carbon\.super has ended\. rs256-[0-9a-f]{16} signs instead\./,
    )
    assert.deepEqual(await statesOf(), ['ES256 active', 'ES256 next', 'RS256 active', 'RS256 next'])
  })

  test('seals with a new key that is put before the old one in its file', async () => {
    const file = join(folder, 'seal.key')
    const old = await readFile(file, 'utf8')
    await server.close()
    await writeFile(file, `${randomBytes(32).toString('base64')}\n${old}`)
    server = await start()
    await server.listen()
    assert.match((await preflow('sealing')).out, /^[0-9a-f]{8} {2}seals\n[0-9a-f]{8} {2}sealed \d+ values; needed\n$/)
    const { code, out } = await preflow('reseal')
    assert.equal(code, 0)
    assert.match(out, /values are sealed with [0-9a-f]{8} now\. Older keys are not needed any more\.\n$/)
    assert.match((await preflow('sealing')).out, /^[0-9a-f]{8} {2}seals\n$/)
    await server.close()
    const [current = ''] = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, `${current}\n`)
    server = await start()
    await server.listen()
    assert.equal((await fetch(`${server.address}/oauth2/jwks`)).status, 200)
  })

  test('explains what is wrong with the command line', async () => {
    for (const [argv, message] of [
      [['burn'], /Unknown argument burn\. Use list, rotate, retire, sealing, reseal\./],
      [['retire', '--yes'], /retire needs the id of one key/],
      [['rotate', 'rs256-1'], /rotate takes no further argument/],
    ] as const) {
      const { code, err } = await preflow(...argv)
      assert.equal(code, 2)
      assert.match(err, message)
    }
  })
})
