/**
 * Sessions carry the generation of their user when they signed in: a session that was ended is not found.
 *
 * A session that gets another id is kept under it before the old one is destroyed, so that what ends with the session finds it at
 * every moment.
 */
import { Provider } from 'oidc-provider'
import { type SessionModel, widen, wrap } from './internals.ts'

/** Writes the generation down at the sign-in. */
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

/** The generation of the user of a session when they signed in. Empty where they did before there were generations. */
export function generationOf(session: object | undefined): string {
  return (session as Partial<SessionModel> | undefined)?.userGeneration ?? ''
}
