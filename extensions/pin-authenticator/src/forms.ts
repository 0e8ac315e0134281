import type { Context, Hono } from 'hono'
import type { Peer } from './address.ts'

/** The routes of browsers. */
export type Pages = Hono<{ Bindings: Peer }>

/** A request of a browser. */
export interface Form {
  username: string
  pin: string
  attempt: number
  token: string
  isCancelled: boolean
}

export const MAX_FORM_BYTES = 8192
const HANDLE = /^[\w-]{22}$/

export function handleOf(c: Context): string | undefined {
  const handle = c.req.query('handle')
  return handle !== undefined && HANDLE.test(handle) ? handle : undefined
}

/** Nothing if the request is no form. */
export async function readForm(c: Context): Promise<Form | undefined> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(c.req.header('content-type') ?? '')) return undefined
  const fields = new URLSearchParams(await c.req.text())
  return {
    username: (fields.get('username') ?? '').slice(0, 256),
    // Pasted PINs may have blanks around them.
    pin: (fields.get('pin') ?? '').trim(),
    attempt: Number(fields.get('attempt') ?? Number.NaN),
    token: fields.get('token') ?? '',
    isCancelled: fields.has('cancel'),
  }
}
