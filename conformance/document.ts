import { join } from 'node:path'
import { KINDS, type Row, rowsOf, type Suite, verdictOf } from './row.ts'

/** Where the table is published. */
export const DOCUMENT: string = join(import.meta.dirname, '..', 'docs', 'reference', 'conformance.md')

/** Renders all rows as a document. Its verdicts are true if `npm run conformance` succeeds. */
export function renderDocument(suites: readonly Suite[]): string {
  const lines = [
    '# Conformance',
    '',
    '<!-- Written by conformance/write-document.ts; a test fails when it is stale. -->',
    '',
    'What the reference, WSO2 Identity Server, does, row by row, and whether Preflow does the same. `npm run conformance` checks every row over HTTP, with a',
    'running server and a real extension endpoint, on the platforms `wso2-is-next` and `preflow`.',
    '',
    '- **holds**: both platforms do what the row expects.',
    '- **differs on preflow**: platforms that reproduce the reference do it; `preflow` does something better, which is also checked.',
    '- **differs everywhere**: every platform deliberately does something else, which is checked.',
    '- **not applicable**: Preflow has nothing that the row could apply to.',
    '',
    'Notation: `+p=v` adds, `-p` removes, `~p=v` replaces. `S/` is `/accessToken/scopes/`, `A/` `/accessToken/claims/aud/`, `C/` `/accessToken/claims/`,',
    '`R/` `/refreshToken/claims/`, `P/` `/response/parameters/`, `I/` `/idToken/claims/`. F-CC is a token from client credentials. F-USER is a token from an',
    'authorization code for a user. AT is the access token action, IDT the ID token action.',
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
