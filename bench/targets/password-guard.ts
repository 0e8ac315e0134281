/**
 * password-guard as deployed: checks the caller, rules and common passwords, and logs one line per decision. It uses a
 * million digests in a `filter` or a `file`, or a stand-in for the range API with `cached` or `uncached` answers.
 * `alone` is the filter without rules and common passwords.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildCorpus } from '@preflow/corpus'
import { createLineLog, serve } from '@preflow/extension/node'
import { readService } from '@preflow/extension/service'
import { passwordGuard } from '@preflow/password-guard'
import { passwordRequest } from '../password-request.ts'

const [, , mode = 'filter'] = process.argv
const folder = await mkdtemp(join(tmpdir(), 'bench-'))
const standIn = spawn(process.execPath, ['--conditions=@preflow/source', `${import.meta.dirname}/range.ts`], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [first] = (await once(createInterface({ input: standIn.stdout as NodeJS.ReadableStream }), 'line')) as [string]
const ways: Record<string, () => Promise<object>> = {
  filter: () => offline('filter'),
  alone: async () => ({ ...(await offline('filter')), checksRules: false, checksCommonPasswords: false }),
  file: () => offline('file'),
  cached: async () => ({ rangeApiUrl: JSON.parse(first).url }),
  uncached: async () => ({ rangeApiUrl: JSON.parse(first).url, rangeApiCacheBytes: 0 }),
}
const read = readService(passwordGuard, {
  environment: {},
  file: { caller: 'api-key', callerSecrets: ['bench-key-bench-key'], ...(await ways[mode]?.()) },
})
if (!read.ok) throw new Error(read.problems.join('\n'))
const sink = openSync('/dev/null', 'w')
const { log } = createLineLog(lines => writeSync(sink, lines))
const guard = await passwordGuard.open(read.configuration, { log })
const server = await serve(guard.extension, { log: false })
// Different passwords, so that lookups are not merged into one.
const passwords = Array.from({ length: mode === 'uncached' ? 500 : 1 }, (_, index) => `Blue-Heron_${index}!`)
process.stdout.write(
  `${JSON.stringify({
    url: server.url,
    headers: { 'x-api-key': 'bench-key-bench-key' },
    bodies: passwords.map(password => JSON.stringify(passwordRequest(password))),
  })}\n`,
)
process.once('SIGTERM', async () => {
  standIn.kill('SIGTERM')
  await server.close()
  await guard.close?.()
  await rm(folder, { recursive: true })
})

async function offline(kind: 'filter' | 'file'): Promise<object> {
  const source = join(folder, 'digests.txt')
  const digests = randomBytes(20 * 1_000_000).toString('hex')
  await writeFile(source, digests.replaceAll(/.{40}/g, '$&\n'))
  await buildCorpus({ source, out: join(folder, kind), kind })
  return { corpora: [join(folder, kind)], asksRangeApi: false }
}
