/** Another process on the same database. It sets an action to each status that it receives, and replies when it is stored. */
import process from 'node:process'
import { readLocation } from '@preflow/database'
import { setActionStatus } from './actions.ts'
import { openDatabase } from './database.ts'
import { testSeal } from './databases.fixture.ts'
import type { Action } from './model.ts'

const [location = '', tenantId = '', actionId = ''] = process.argv.slice(2)
const db = await openDatabase({ ...readLocation(location), seal: testSeal, now: Date.now })
process.on('message', async (status: Action['status']) => {
  await setActionStatus(db, tenantId, actionId, status)
  process.send?.('done')
})
process.once('disconnect', () => db.close())
process.send?.('ready')
