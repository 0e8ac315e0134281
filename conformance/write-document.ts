/** Rewrites docs/reference/conformance.md: `sh tools/node.sh conformance/write-document.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { suites } from './catalogue.ts'
import { DOCUMENT, renderDocument } from './document.ts'

mkdirSync(dirname(DOCUMENT), { recursive: true })
writeFileSync(DOCUMENT, renderDocument(suites))
