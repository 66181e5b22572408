import type { Whereabouts } from '#libs/routing';
import { Injectable } from '@nestjs/common';
import geoip from 'geoip-lite';
import type { Address } from './address.js';

/** Where addresses are, by geoip-lite's database, which stands in memory (about 110 MB): a prior, often off by a city, sometimes by a country. */
@Injectable()
export class GeoDatabase {
  /** What the database says; null for private addresses and those without a row. About 2 µs. */
  locate(address: Address | undefined): Whereabouts | null {
    const row = address === undefined ? null : geoip.lookup(address);
    if (!row) return null;
    const [lat, lon] = row.ll;
    return { lat, lon, radiusKm: row.area, city: row.city };
  }
}
