import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { suites } from './catalogue.ts'
import { DOCUMENT, renderDocument } from './document.ts'
import { runRows } from './run-rows.ts'

runRows(suites)

test('docs/reference/conformance.md matches the rows', () => {
  assert(
    readFileSync(DOCUMENT, 'utf8') === renderDocument(suites),
    'stale: run sh tools/node.sh conformance/write-document.ts',
  )
})
