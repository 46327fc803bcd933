"""Which numbers need care? Special functions, quadrature, weighted statistics, searches."""
