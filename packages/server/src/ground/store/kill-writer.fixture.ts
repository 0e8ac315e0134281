/** Writes rows until it is killed, and reports each row to its parent only after the write was acknowledged. */
import { openDatabase } from './database.ts'
import { testSeal } from './databases.fixture.ts'
import { TEST_PASSWORD_COST } from './password-cost.fixture.ts'

const [file = ''] = process.argv.slice(2)
const db = await openDatabase({ file, seal: testSeal, now: Date.now, passwordCost: TEST_PASSWORD_COST })
for (let row = 0; ; row++) {
  await db.queries
    .insertInto('store_facts')
    .values({ name: `${process.pid}-${row}`, value: '' })
    .execute()
  process.send?.(`${process.pid}-${row}`)
}
