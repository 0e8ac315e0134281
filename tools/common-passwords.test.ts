import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCommonPasswords } from '@preflow/corpus'
import { dictionary } from '@zxcvbn-ts/language-common'
import { COMMON_PASSWORDS, writeCommonPasswords } from './common-passwords.ts'

const sha256 = (password: string) => createHash('sha256').update(password).digest()

test('the list of common passwords matches its source', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'common-passwords-test-'))
  context.after(() => rm(folder, { recursive: true }))
  await writeCommonPasswords(join(folder, 'again.corpus'))
  const shipped = await readFile(COMMON_PASSWORDS)
  assert.ok(shipped.equals(await readFile(join(folder, 'again.corpus'))), 'run tools/common-passwords.ts and commit')
  assert.ok(shipped.length < 260_000)
})

test('the shipped list contains every password of its source, and none of as many others', async () => {
  const corpus = await openCommonPasswords()
  for (const password of dictionary['passwords-common']) {
    assert.equal(corpus.has(sha256(password)), true)
    assert.equal(corpus.has(sha256(`${password} by nobody`)), false)
  }
})
