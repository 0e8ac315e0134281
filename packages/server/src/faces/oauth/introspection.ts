import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { FindUser } from './accounts.ts'

/** Adds the user's name to introspection. A token of an application has none. Use it before the provider's own routes. */
export function nameUsersAtIntrospection(provider: Provider, findUser: FindUser): void {
  provider.use(async (ctx, next) => {
    await next()
    const { oidc, body } = ctx as unknown as Partial<KoaContextWithOIDC>
    if (oidc?.route !== 'introspection' || !isActive(body)) return
    const { AccessToken, RefreshToken } = oidc.entities
    const userId = (AccessToken ?? RefreshToken)?.accountId
    const found = userId === undefined ? undefined : await findUser(userId)
    if (found) ctx.body = { ...body, username: found.user.userName }
  })
}

function isActive(body: unknown): body is { active: true } {
  return typeof body === 'object' && body !== null && 'active' in body && body.active === true
}
