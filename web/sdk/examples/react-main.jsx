// Shows the component of react.jsx. What it is given stays the same from one rendering to the next, or it would join again.
import { createRoot } from 'react-dom/client'
import { Film } from './react.jsx'

const query = new URLSearchParams(location.search)
createRoot(document.getElementById('root')).render(
  <Film server={query.get('server')} token={location.hash.slice(1)} trust={query.get('trust') ?? undefined} name={query.get('name')} />,
)
