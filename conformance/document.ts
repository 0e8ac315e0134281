import { join } from 'node:path'
import { KINDS, type Row, rowsOf, type Suite, verdictOf } from './row.ts'

/** Where the table is published. */
export const DOCUMENT: string = join(import.meta.dirname, '..', 'docs', 'reference', 'conformance.md')

/** The table of all rows as a document. What it says is true where `npm run conformance` succeeds. */
export function renderDocument(suites: readonly Suite[]): string {
  const lines = [
    '# Conformance',
    '',
    '<!-- Written by conformance/write-document.ts; a test fails when it is stale. -->',
    '',
    'What the reference, WSO2 Identity Server, does, row by row, and whether it is so here. `npm run conformance` acts out every row over HTTP against a',
    'running server and a real extension endpoint, on the platform `wso2-is-next` and on `preflow`.',
    '',
    '- **holds**: so on both platforms.',
    '- **differs on preflow**: so on the platforms that reproduce the reference; `preflow` mends it, which is checked as well.',
    '- **differs everywhere**: deliberately otherwise on every platform, which is checked.',
    '- **not applicable**: there is nothing here that the row could be about.',
    '',
    'Notation: `+p=v` adds, `-p` removes, `~p=v` replaces. `S/` is `/accessToken/scopes/`, `A/` `/accessToken/claims/aud/`, `C/` `/accessToken/claims/`,',
    '`R/` `/refreshToken/claims/`, `P/` `/response/parameters/`, `I/` `/idToken/claims/`. F-CC is a token by client credentials, F-USER one by',
    'authorization code for a user. AT and IDT are the access token action and the ID token action.',
    '',
    ...suites.flatMap(renderSuite),
  ]
  return lines.join('\n')
}

function renderSuite(suite: Suite): string[] {
  const rows = rowsOf(suite)
  const counts = KINDS.map(kind => `${rows.filter(row => verdictOf(row).kind === kind).length} ${kind}`)
  return [
    `## ${suite.title}`,
    '',
    `${rows.length} rows: ${counts.join(', ')}.`,
    '',
    ...(suite.introduction === undefined ? [] : [suite.introduction, '']),
    ...suite.sections.flatMap(({ title, rows: own }) => [
      `### ${title}`,
      '',
      '| row | given: expected | here |',
      '| --- | --- | --- |',
      ...own.map(renderRow),
      '',
    ]),
  ]
}

function renderRow(row: Row): string {
  const { kind, reason } = verdictOf(row)
  const verdict = reason === undefined ? kind : `**${kind}**: ${reason}`
  const here = row.how === undefined ? verdict : `${verdict} (${row.how})`
  return `| ${[row.id, row.title, here].map(text => text.replaceAll('|', '\\|')).join(' | ')} |`
}
