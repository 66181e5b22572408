/** A point on the earth, degrees. */
export interface Point {
  readonly lat: number;
  readonly lon: number;
}

const earthRadiusKm = 6371.0088;

/** Great-circle distance of two points, km (haversine on a sphere of the earth's mean radius; off by at most 0.6 %). */
export function distanceKm(a: Point, b: Point): number {
  const lat1 = radians(a.lat);
  const lat2 = radians(b.lat);
  const h = haversine(lat2 - lat1) + Math.cos(lat1) * Math.cos(lat2) * haversine(radians(b.lon - a.lon));
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(h)));
}

function haversine(angle: number): number {
  return Math.sin(angle / 2) ** 2;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
