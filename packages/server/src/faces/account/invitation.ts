import { createHash, timingSafeEqual } from 'node:crypto'
import type { Database } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { SealError } from '../../ground/store/sealed-secrets.ts'
import { findPasswordHash, findUserById } from '../../ground/store/users.ts'

/** Somebody may set a password, because an administrator said so. */
export interface Invitation {
  user: User
  /** Who invited: a user id, or the subject of the token. */
  invitedBy: string
}

const LIFETIME_MS = 24 * 3_600_000
const CONTEXT = 'invitation'

interface Content {
  tenantId: string
  userId: string
  invitedBy: string
  /** Epoch milliseconds. */
  expiresAt: number
  /** Of the password at the time, so that an invitation ends with the first password that is set. */
  stamp: string
}

/**
 * Writes an invitation: a text that only this server can have written, and which nothing is stored of. It holds for a day, for one
 * password.
 */
export async function writeInvitation(db: Database, { user, invitedBy }: Invitation): Promise<string> {
  const { id: userId, tenantId } = user
  const stamp = stampOf(await findPasswordHash(db, tenantId, userId))
  const content: Content = { tenantId, userId, invitedBy, expiresAt: db.now() + LIFETIME_MS, stamp }
  return db.seal.seal(JSON.stringify(content), CONTEXT)
}

/** The invitation, when it is one of the tenant that still holds. */
export async function readInvitation(db: Database, tenantId: string, text: string): Promise<Invitation | undefined> {
  const content = opened(db, text)
  if (content?.tenantId !== tenantId || content.expiresAt <= db.now()) return undefined
  const user = await findUserById(db, tenantId, content.userId)
  if (!user) return undefined
  const stamp = Buffer.from(stampOf(await findPasswordHash(db, tenantId, user.id)))
  return timingSafeEqual(stamp, Buffer.from(content.stamp)) ? { user, invitedBy: content.invitedBy } : undefined
}

function opened(db: Database, text: string): Content | undefined {
  try {
    return JSON.parse(db.seal.open(text, CONTEXT))
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}

function stampOf(passwordHash: string | undefined): string {
  return createHash('sha256')
    .update(passwordHash ?? '')
    .digest('base64url')
}
