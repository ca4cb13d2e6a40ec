// A service worker that serves /app/ from the swarm, and from the network where no page of this site has it. Copy
// dist/serviceworker.js beside it; in the page:
//
//   await navigator.serviceWorker.register('/sw.js', { type: 'module' })
//   const session = await join({ … })
//   session.serve('/app/', session.get('app'))
import { serve } from './serviceworker.js'

serve({ prefixes: ['/app/'] })
addEventListener('install', () => skipWaiting())
addEventListener('activate', (e) => e.waitUntil(clients.claim()))
