"""Maps between points and tangent vectors, by the differential equation of geodesics."""
