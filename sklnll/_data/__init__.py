"""In which form do rows come in, and in which units does training see them?"""
