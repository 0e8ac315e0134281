import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} to npm ends the processes that it started, as a process manager expects`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'preflow-npm-'))
    const anyPort = {
      PREFLOW_PORT: '0',
      PREFLOW_EXTENSIONS_PORT: '0',
      PREFLOW_REPUTATION_PORT: '0',
      PREFLOW_WEB_PORT: '0',
    }
    const npm = spawn('npm', ['start', '--silent'], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, ...anyPort, PREFLOW_DATA: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const exited = once(npm, 'exit')
    let server: string | undefined
    try {
      // The output ends with the stream. A process that outlives npm would keep it open.
      for await (const line of createInterface({ input: npm.stdout })) {
        server ??= /http:\/\/127\.0\.0\.1:\d+(?=\/t\/demo$)/.exec(line)?.[0]
        if (line.includes('preflow -- replay')) npm.kill(signal)
      }
      await exited
      assert.ok(server)
      await assert.rejects(fetch(`${server}/livez`))
    } finally {
      npm.kill('SIGKILL')
      await rm(folder, { recursive: true })
    }
  })
}
