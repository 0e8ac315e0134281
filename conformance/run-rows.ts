import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Check, KINDS, type Row, type RowId, rowsOf, type Suite, verdictOf } from './row.ts'
import { openWorld, STAGES, type World } from './world.ts'

/** The platform on which the reference's column is checked. A row about another platform requests that one. */
const COLUMNS = { reference: 'wso2-is-next', preflow: 'preflow' } as const
type Column = keyof typeof COLUMNS

/** Registers every row of the suites as a test with its title, once per column. Prints the table after all have run. */
export function runRows(suites: readonly Suite[]): void {
  const failed = new Map<RowId, Set<Column>>()

  describe('rows', { concurrency: 2 }, () => {
    for (const column of Object.keys(COLUMNS) as Column[]) {
      describe(`on ${COLUMNS[column]}`, { concurrency: STAGES }, () => {
        let world: World
        before(async () => {
          world = await openWorld(COLUMNS[column])
        })
        after(() => world.close())
        for (const row of suites.flatMap(rowsOf)) {
          const { check, skip, note } = planFor(row, column)
          test(`${row.id}: ${row.title}${note}`, { skip }, async () => {
            try {
              await world.run(check)
            } catch (error) {
              failed.set(row.id, (failed.get(row.id) ?? new Set()).add(column))
              throw error
            }
          })
        }
      })
    }
  })
  after(() => process.stdout.write(tableOf(suites, failed)))

  for (const suite of suites) {
    test(`${suite.title}: every row exists exactly once`, () => {
      const ids = rowsOf(suite).map(({ id }) => id)
      const missing = suite.ids.filter(id => !ids.includes(id))
      assert.equal(missing.length, 0, `missing: ${missing.join(' ')}`)
      assert.deepEqual(ids, suite.ids, 'duplicate or misplaced rows')
    })
  }
}

const nothing: Check = async () => {}

/** The check of a row in a column. A row without a check is skipped with its reason. */
function planFor({ reference, preflow }: Row, column: Column): { check: Check; skip: string | false; note: string } {
  const held = column === 'preflow' && preflow !== 'same' ? preflow : reference
  if (typeof held === 'function') return { check: held, skip: false, note: '' }
  if ('differs' in held) return { check: held.check, skip: false, note: ` (differs: ${held.differs})` }
  const reason = `not applicable: ${held.notApplicable}`
  return held.check
    ? { check: held.check, skip: false, note: ` (${reason})` }
    : { check: nothing, skip: reason, note: '' }
}

function tableOf(suites: readonly Suite[], failed: ReadonlyMap<RowId, ReadonlySet<Column>>): string {
  const lines = suites.flatMap(suite => {
    const rows = rowsOf(suite)
    const counts = KINDS.map(kind => {
      const count = rows.filter(row => !failed.has(row.id) && verdictOf(row).kind === kind).length
      return `${count} ${kind}`
    })
    const failures = rows.filter(({ id }) => failed.has(id)).length
    return [
      '',
      suite.title,
      ...rows.map(row => {
        const { kind, reason } = verdictOf(row)
        const where = [...(failed.get(row.id) ?? [])].map(column => COLUMNS[column]).join(' and ')
        const words = where === '' ? `${kind}${reason === undefined ? '' : `: ${reason}`}` : `FAILS on ${where}`
        return `${row.id.padEnd(5)} ${words}${row.how === undefined ? '' : ` (${row.how})`}`
      }),
      `${suite.title}: ${rows.length} rows: ${counts.join(', ')}, ${failures} failing`,
    ]
  })
  return `${lines.join('\n')}\n\n`
}
