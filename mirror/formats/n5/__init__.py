"""N5: attributes, block grids, pyramids, trees and blocks."""
