import { createHash, timingSafeEqual } from 'node:crypto'
import type { Database } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { SealError } from '../../ground/store/sealed-secrets.ts'
import { findPasswordHash, findUserById } from '../../ground/store/users.ts'

/** The permission for a user to set a password, given by an administrator. */
export interface Invitation {
  user: User
  /** The inviting caller: a user id, or the subject of the token. */
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
  /** Derived from the current password hash and generation: a new password invalidates the invitation, and so does disabling the user. */
  stamp: string
}

/**
 * Creates an invitation as a sealed string, so that only this server can create one and nothing is stored. It is valid for a
 * day and for one password.
 */
export async function writeInvitation(db: Database, { user, invitedBy }: Invitation): Promise<string> {
  const { id: userId, tenantId } = user
  const stamp = stampOf(await findPasswordHash(db, tenantId, userId), user)
  const content: Content = { tenantId, userId, invitedBy, expiresAt: db.now() + LIFETIME_MS, stamp }
  return db.seal.seal(JSON.stringify(content), CONTEXT)
}

/** Reads an invitation. Returns nothing unless it belongs to the tenant and is still valid. */
export async function readInvitation(db: Database, tenantId: string, text: string): Promise<Invitation | undefined> {
  const content = opened(db, text)
  if (content?.tenantId !== tenantId || content.expiresAt <= db.now()) return undefined
  const user = await findUserById(db, tenantId, content.userId)
  if (!user) return undefined
  const stamp = Buffer.from(stampOf(await findPasswordHash(db, tenantId, user.id), user))
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

function stampOf(passwordHash = '', { generation = '' }: User): string {
  return createHash('sha256')
    .update(passwordHash + generation)
    .digest('base64url')
}
