import type { Log } from '../observe/log.ts'
import { purgeAuditRecords } from './audit.ts'
import type { Database } from './database.ts'
import { purgeExpiredArtifacts } from './oidc-artifacts.ts'
import { purgeSignInFlows } from './sign-in-flows.ts'
import { purgeWrongPasswords } from './wrong-passwords.ts'

const HOUSEKEEPING_MS = 3_600_000
const DAY_MS = 86_400_000

/** Deletes expired rows once an hour. A failure is logged and retried an hour later. Returns the function that stops it. */
export function startHousekeeping(
  db: Database,
  log: Pick<Log, 'warn'>,
  { auditRetentionDays }: { auditRetentionDays: number },
): () => void {
  async function keepHouse(): Promise<void> {
    try {
      await purgeExpiredArtifacts(db)
      await purgeSignInFlows(db)
      await purgeWrongPasswords(db)
      await purgeAuditRecords(db, db.now() - auditRetentionDays * DAY_MS)
    } catch (error) {
      log.warn({ err: error }, 'expired rows could not be deleted; the next attempt is in an hour')
    }
  }
  const timer = setInterval(() => void keepHouse(), HOUSEKEEPING_MS).unref()
  return () => clearInterval(timer)
}
