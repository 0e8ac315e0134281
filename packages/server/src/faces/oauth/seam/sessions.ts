/**
 * A session stores the generation of its user at the sign-in. An ended session is not found.
 *
 * A session that gets another id is stored under it before the old one is deleted, so that artifacts that end with it find it at
 * all times.
 */
import { Provider } from 'oidc-provider'
import { type SessionModel, widen, wrap } from './internals.ts'

/** Stores the generation at the sign-in. */
export function stampSessions(provider: Provider): void {
  widen(provider.Session as never, 'userGeneration')
  const prototype = provider.Session.prototype as unknown as SessionModel
  wrap(
    prototype,
    'loginAccount',
    login =>
      function (this: SessionModel, details) {
        login.call(this, details)
        const generation = Provider.ctx?.oidc.entities.Interaction?.result?.login?.['generation']
        this.userGeneration = typeof generation === 'string' ? generation : undefined
      },
  )
  wrap(
    prototype,
    'save',
    save =>
      async function (this: SessionModel, ttl) {
        const { oldId } = this
        this.oldId = undefined
        const value = await save.call(this, ttl)
        if (oldId !== undefined) await this.adapter.destroy(oldId)
        return value
      },
  )
}

/** The generation of a session's user at the sign-in. Empty for sign-ins of older versions. */
export function generationOf(session: object | undefined): string {
  return (session as Partial<SessionModel> | undefined)?.userGeneration ?? ''
}
