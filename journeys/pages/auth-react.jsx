/** @asgardeo/auth-react, configured as its README does. */
import { AuthProvider, useAuthContext } from '@asgardeo/auth-react'
import { createRoot } from 'react-dom/client'

function App() {
  const { state, signIn, signOut, refreshAccessToken } = useAuthContext()
  if (!state.isAuthenticated)
    return (
      <button type="button" onClick={() => signIn()}>
        Sign in
      </button>
    )
  return (
    <main>
      <h1>Hello {state.username ?? state.sub}</h1>
      <button type="button" onClick={() => refreshAccessToken().then(() => (document.title = 'refreshed'))}>
        Refresh
      </button>
      <button type="button" onClick={() => signOut()}>
        Sign out
      </button>
    </main>
  )
}

createRoot(document.getElementById('root')).render(
  <AuthProvider
    config={{
      ...globalThis.settings,
      signInRedirectURL: location.origin,
      signOutRedirectURL: location.origin,
      scope: ['openid', 'profile'],
    }}
  >
    <App />
  </AuthProvider>,
)
